import { type ProgressEvent, type ProgressListener, ProgressReporter } from "../src/image/mod.ts";
import type { Repository } from "../src/name/mod.ts";

/** Makes one object of progress of all blobs that go into a repository. It is silent until one of them moves. */
export interface RepositoryProgress {
  /** Takes news of a blob. */
  add(event: ProgressEvent): void;
  /** Nothing more will come. */
  end(state: "done" | "failed"): void;
}

/** As the interface says; `undefined` when nobody listens. */
export function repositoryProgress(
  repository: Repository,
  listener: ProgressListener | undefined,
): RepositoryProgress | undefined {
  if (!listener) return undefined;
  const moving = new Map<string, number>();
  const reporter = new ProgressReporter(listener, { id: repository.name, label: repository.repository, kind: "write" });
  let began = false;
  return {
    add({ id, complete, state }) {
      const before = moving.get(id) ?? 0;
      if (state === "active" || state === "waiting") moving.set(id, complete);
      else moving.delete(id);
      if (complete === before) return;
      began = true;
      reporter.advance(complete - before);
    },
    end(state) {
      if (began) reporter.end(state);
    },
  };
}
