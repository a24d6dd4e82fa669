import type { GcEvent, GcResult } from "../gcr/mod.ts";
import type { Context } from "./command.ts";
import { summary } from "./failure.ts";
import { oneLine } from "./terminal_text.ts";
import { count, formatBytes } from "./units.ts";

/** A manifest that can go, or was deleted, with its tags. */
interface Listed {
  readonly name: string;
  readonly tags: readonly string[];
}

/**
 * Prints the events of a garbage collection: the garbage, or what was deleted, on standard output, and the rest on
 * standard error.
 */
export class GcReport {
  readonly #context: Pick<Context, "stdout" | "note">;
  readonly #deletes: boolean;
  /** The deletions in the current repository. */
  #deleted: Listed[] = [];
  #refused = 0;

  /** Creates a report. `deletes` is whether the garbage is deleted. */
  constructor(context: Pick<Context, "stdout" | "note">, options: { deletes: boolean }) {
    this.#context = context;
    this.#deletes = options.deletes;
  }

  /** Reports an event. */
  add(event: GcEvent): void {
    const { note } = this.#context;
    switch (event.kind) {
      case "garbage":
        if (!this.#deletes) this.#list(listed(event.repository, event.manifest));
        break;
      case "tag":
        if (!this.#deletes) note(`The tag ${event.repository}:${event.tag.tag} can go: ${event.tag.reason}`);
        break;
      case "deleted":
        this.#deleted.push(listed(event.repository, event));
        break;
      case "untagged":
        note(`Deleted the tag ${event.repository}:${event.tag}`);
        break;
      case "left":
        if (event.why !== "changed") this.#refused++;
        // Content over the limit is not listed, as there may be much and the reason is always the same.
        if (event.why !== "capped") note(`Left ${event.name}: ${event.reason}`);
        break;
      case "failed":
        this.flush();
        note(`Failed: ${event.name} was not changed: ${summary(event.error)}`);
        break;
      case "repository":
        this.flush();
    }
  }

  /** Prints the deletions that are not printed yet, sorted. */
  flush(): void {
    for (const one of this.#deleted.splice(0).sort((a, b) => a.name < b.name ? -1 : 1)) this.#list(one);
  }

  /** Reports the totals and returns the exit code. */
  async end(result: GcResult): Promise<number> {
    const { stdout, note } = this.#context;
    this.flush();
    await stdout.flush();
    this.#remarks(result);
    const { garbage, bytes, tags, deleted, untagged, repositories, resumed, capped, failed } = result;
    const alone = this.#deletes ? untagged : tags;
    const what = this.#deletes
      ? `deleted ${count(deleted, "manifest")}`
      : `${count(garbage, "manifest")} can go, ${formatBytes(bytes)}`;
    const more = alone > 0 ? `, and ${count(alone, "tag")} of images that are kept` : "";
    const before = resumed > 0 ? `, ${resumed} more were done before` : "";
    note(`${what}${more} (${count(repositories, "repository", "repositories")}${before})`);
    if (capped > 0) note(`Left ${count(capped, "more", "more")}: the limit of --max-delete is reached`);
    if (failed + this.#refused === 0) return 0;
    const parts = [
      ...failed > 0 ? [`${count(failed, "repository was", "repositories were")} left alone`] : [],
      ...this.#refused > 0 ? [`${count(this.#refused, "thing")} could not be deleted`] : [],
    ];
    note(`Error: ${parts.join(", ")}; they are listed above`);
    return 1;
  }

  #remarks({ unlisted, undated, young }: GcResult): void {
    const { note } = this.#context;
    if (unlisted > 0) {
      note(
        `In ${count(unlisted, "repository", "repositories")} only what tags lead to was looked at: the registry does ` +
          `not list manifests without a tag`,
      );
    }
    if (young > 0) {
      note(
        `Kept ${count(young, "manifest")} only for a recent upload: --grace sets the age from which such content can ` +
          `go, 24h by default`,
      );
    }
    if (undated > 0) {
      note(
        `Kept ${
          count(undated, "manifest")
        } of which the registry does not say when they were uploaded: with --grace 0 ` +
          `age protects nothing, with --trust-created the time of the build counts`,
      );
    }
  }

  /** Prints a manifest. Its tags stand beside it on a terminal; a program reads only digests, and they are noted. */
  #list({ name, tags }: Listed): void {
    const { stdout, note } = this.#context;
    const shown = tags.map(oneLine).sort().join(", ");
    // A closed reader ends the command, which needs no report here.
    stdout.print(stdout.isTerminal && shown !== "" ? `${name}  ${shown}` : name).catch(() => {});
    if (!stdout.isTerminal && shown !== "") note(`Tags of ${name}: ${shown}`);
  }
}

function listed(repository: string, { digest, tags }: { digest: string; tags: readonly string[] }): Listed {
  return { name: `${repository}@${digest}`, tags };
}
