import type { Hash } from "../src/spec/mod.ts";
import type { GarbageManifest, GarbageTag } from "./gc_plan.ts";

/** What happens in a garbage collection; `repository` is always the full name. */
export type GcEvent =
  /** A manifest can go. */
  | { readonly kind: "garbage"; readonly repository: string; readonly manifest: GarbageManifest }
  /** A tag can go whose manifest stays. */
  | { readonly kind: "tag"; readonly repository: string; readonly tag: GarbageTag }
  /** A manifest was deleted. */
  | { readonly kind: "deleted"; readonly repository: string; readonly digest: Hash }
  /** A tag was deleted whose manifest stays. */
  | { readonly kind: "untagged"; readonly repository: string; readonly tag: string }
  /** Something that was to go is still there. */
  | { readonly kind: "left"; readonly name: string; readonly why: LeftWhy; readonly reason: string }
  /** A repository could not be judged or not be gone through; nothing more of it is deleted. */
  | { readonly kind: "failed"; readonly name: string; readonly error: unknown }
  /** A repository was gone through. */
  | { readonly kind: "repository"; readonly repository: RepositorySummary };

/**
 * Why something that was to go is still there: the registry refused to delete it, something else that is still there
 * needs it, it is not garbage any more, or enough was deleted.
 */
export type LeftWhy = "refused" | "needed" | "changed" | "capped";

/** What was found in a repository. */
export interface RepositorySummary {
  /** The full name. */
  readonly name: string;
  /** How many manifests are known. */
  readonly manifests: number;
  /** How many stay for no other reason than that nobody knows when they were uploaded. */
  readonly undated: number;
  /** Whether its registry lists the manifests without a tag too. */
  readonly listsUntagged: boolean;
}

/** Sums of a garbage collection. */
export interface GcResult {
  /** How many repositories were gone through. */
  readonly repositories: number;
  /** How many the journal says were done before. */
  readonly resumed: number;
  /** How many manifests can go, or could before they were deleted. */
  readonly garbage: number;
  /** The bytes that they alone need. */
  readonly bytes: number;
  /** How many tags can go from manifests that stay. */
  readonly tags: number;
  /** How many manifests were deleted. */
  readonly deleted: number;
  /** How many tags were deleted whose manifests stay. */
  readonly untagged: number;
  /** How many manifests and tags were to go and are still there. */
  readonly left: number;
  /** How many of those because enough was deleted. */
  readonly capped: number;
  /** How many repositories failed. */
  readonly failed: number;
  /** How many manifests stay for no other reason than that nobody knows when they were uploaded. */
  readonly undated: number;
  /** How many repositories may hold manifests without a tag that nobody tells of. */
  readonly unlisted: number;
}

/** Passes events on and sums them up. */
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
    unlisted: 0,
  };

  /** Makes it with everything at zero. */
  constructor(onEvent: (event: GcEvent) => void = () => {}) {
    this.#onEvent = onEvent;
  }

  /** Returns the sums so far. */
  result(): GcResult {
    return { ...this.#sums };
  }

  /** Counts a repository that was done before. */
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
        sums.untagged++;
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
        if (!event.repository.listsUntagged) sums.unlisted++;
    }
    this.#onEvent(event);
  }
}
