import type { Hash } from "../src/spec/mod.ts";
import type { GarbageManifest, GarbageTag } from "./gc_plan.ts";

/** An event of a garbage collection; `repository` is always the full name. */
export type GcEvent =
  /** A manifest can be deleted. */
  | { readonly kind: "garbage"; readonly repository: string; readonly manifest: GarbageManifest }
  /** A tag can be deleted, but not its manifest. */
  | { readonly kind: "tag"; readonly repository: string; readonly tag: GarbageTag }
  /** A manifest was deleted, with its tags. */
  | {
    readonly kind: "deleted";
    readonly repository: string;
    readonly digest: Hash;
    readonly tags: readonly string[];
  }
  /** A tag was deleted: `alone`, or before its manifest, which a `deleted` follows unless that fails. */
  | {
    readonly kind: "untagged";
    readonly repository: string;
    readonly tag: string;
    /** The digest of its manifest. */
    readonly digest: Hash;
    readonly alone: boolean;
  }
  /** Garbage was not deleted. */
  | { readonly kind: "left"; readonly name: string; readonly why: LeftWhy; readonly reason: string }
  /** A repository could not be read completely; nothing more of it is deleted. */
  | { readonly kind: "failed"; readonly name: string; readonly error: unknown }
  /** A repository was processed. */
  | { readonly kind: "repository"; readonly repository: RepositorySummary };

/**
 * The reason why garbage was not deleted: the registry refused, other content needs it, it is not garbage any more, or
 * the limit was reached.
 */
export type LeftWhy = "refused" | "needed" | "changed" | "capped";

/** The summary of a repository. */
export interface RepositorySummary {
  /** The full name. */
  readonly name: string;
  /** The number of known manifests. */
  readonly manifests: number;
  /** The number of manifests that are kept only because their upload time is unknown. */
  readonly undated: number;
  /** The number of manifests that are kept only because they were uploaded within the grace period. */
  readonly young: number;
  /** The number of tags of other manifests that are kept only because of the grace period. */
  readonly youngTags: number;
  /** Whether the registry lists manifests without a tag. */
  readonly listsUntagged: boolean;
}

/** The totals of a garbage collection. */
export interface GcResult {
  /** The number of repositories that were processed. */
  readonly repositories: number;
  /** The number of repositories that were complete in the journal. */
  readonly resumed: number;
  /** The number of garbage manifests, deleted or not. */
  readonly garbage: number;
  /** The number of bytes that only they use. */
  readonly bytes: number;
  /** The number of garbage tags of manifests that are kept. */
  readonly tags: number;
  /** The number of deleted manifests. */
  readonly deleted: number;
  /** The number of deleted tags of manifests that are kept. */
  readonly untagged: number;
  /** The number of garbage manifests and tags that were not deleted. */
  readonly left: number;
  /** The number of those beyond the limit. */
  readonly capped: number;
  /** The number of repositories that failed. */
  readonly failed: number;
  /** The number of manifests that are kept only because their upload time is unknown. */
  readonly undated: number;
  /** The number of manifests that are kept only because they were uploaded within the grace period. */
  readonly young: number;
  /** The number of tags of other manifests that are kept only because of the grace period. */
  readonly youngTags: number;
  /** The number of repositories that may contain manifests without a tag, which the registry does not list. */
  readonly unlisted: number;
}

/** Passes events on and adds up the totals. */
export class GcTally {
  readonly #onEvent: (event: GcEvent) => void;
  readonly #sums: { -readonly [Key in keyof GcResult]: number } = {
    repositories: 0,
    resumed: 0,
    garbage: 0,
    bytes: 0,
    tags: 0,
    deleted: 0,
    untagged: 0,
    left: 0,
    capped: 0,
    failed: 0,
    undated: 0,
    young: 0,
    youngTags: 0,
    unlisted: 0,
  };

  /** Creates a tally with all totals at zero. */
  constructor(onEvent: (event: GcEvent) => void = () => {}) {
    this.#onEvent = onEvent;
  }

  /** Returns the totals so far. */
  result(): GcResult {
    return { ...this.#sums };
  }

  /** Counts a repository that was complete in the journal. */
  resume(): void {
    this.#sums.resumed++;
  }

  /** Counts an event and passes it on. */
  tell(event: GcEvent): void {
    const sums = this.#sums;
    switch (event.kind) {
      case "garbage":
        sums.garbage++;
        sums.bytes += event.manifest.bytes;
        break;
      case "tag":
        sums.tags++;
        break;
      case "deleted":
        sums.deleted++;
        break;
      case "untagged":
        if (event.alone) sums.untagged++;
        break;
      case "left":
        sums.left++;
        if (event.why === "capped") sums.capped++;
        break;
      case "failed":
        sums.failed++;
        break;
      case "repository":
        sums.repositories++;
        sums.undated += event.repository.undated;
        sums.young += event.repository.young;
        sums.youngTags += event.repository.youngTags;
        if (!event.repository.listsUntagged) sums.unlisted++;
    }
    this.#onEvent(event);
  }
}
