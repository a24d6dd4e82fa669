import type { ProgressEvent, ProgressListener } from "../src/image/mod.ts";
import type { Repository } from "../src/name/mod.ts";

/**
 * Merges the progress of all blobs of a repository into one object, so that a listener keeps one for each repository.
 * Its total grows as blobs are announced. Reports nothing until one of them moves.
 */
export class RepositoryProgress {
  readonly #listener: ProgressListener;
  readonly #subject: Pick<ProgressEvent, "id" | "label" | "kind">;
  /** The blobs that are not complete. */
  readonly #open = new Map<string, { complete: number; total: number }>();
  #complete = 0;
  #total = 0;
  #began = false;

  /** Creates an instance; reports nothing yet. */
  constructor({ name, path }: Repository, listener: ProgressListener) {
    this.#listener = listener;
    this.#subject = { id: name, label: path, kind: "write" };
  }

  /** Adds an event of a blob. */
  add({ id, complete, total = complete, state }: ProgressEvent): void {
    const before = this.#open.get(id) ?? { complete: 0, total: 0 };
    const need = state === "skipped" || state === "mounted" ? 0 : total;
    if (state === "active" || state === "waiting") this.#open.set(id, { complete, total: need });
    else this.#open.delete(id);
    this.#complete += complete - before.complete;
    this.#total += need - before.total;
    if (complete === before.complete && !this.#began) return;
    this.#began = true;
    this.#tell("active");
  }

  /** Ends the progress. */
  end(state: "done" | "failed"): void {
    if (this.#began) this.#tell(state);
  }

  #tell(state: ProgressEvent["state"]): void {
    this.#listener({ ...this.#subject, complete: this.#complete, total: this.#total, state });
  }
}
