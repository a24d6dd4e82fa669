import type { Repository } from "../src/name/mod.ts";
import type { Descriptor, Hash } from "../src/spec/mod.ts";
import type { CopyContext } from "./copy_context.ts";
import type { WalkedRepository } from "./walk.ts";

/** Conditions and hooks of a recursive copy that its options lack: those of an entry of a sync file. */
export interface CopyTerms {
  /**
   * Yields the repositories to copy that `select` accepts, with their listings.
   * @default the source and all below it
   */
  readonly walk?: (
    run: CopyContext,
    select: (repository: Repository) => boolean,
  ) => AsyncGenerator<WalkedRepository, void, undefined>;
  /** Returns whether a tag is copied, in place of the filter of the options. */
  readonly wantsTag?: (tag: string) => boolean;
  /** Returns whether a repository, given by its path, is copied. */
  readonly wantsRepository?: (path: string) => boolean;
  /** Returns whether an extra tag of the target is kept, as a backup is. */
  readonly keepsTag?: (tag: string) => boolean;
  /**
   * The media types of manifests to copy.
   * @default all
   */
  readonly mediaTypes?: readonly string[];
  /**
   * Whether referrers are copied if the options ask for any: those that the registry's API lists and `wants` accepts,
   * and the tags that contain the digest of a manifest.
   *
   * @default both
   */
  readonly referrers?: {
    readonly api: boolean;
    readonly tags: boolean;
    readonly wants?: (referrer: Descriptor) => boolean;
  };
  /** Whether a manifest that the target has under its tags is complete with its referrers. */
  readonly fastCheck?: boolean;
  /** Whether the content of a manifest that the target has is looked for too. */
  readonly deep?: boolean;
  /** Awaited before a missing manifest of a tag is read. */
  readonly beforeCopy?: (run: CopyContext, source: Repository, digest: Hash) => Promise<void>;
  /** Awaited before a tag of the target is set to another manifest than this one. */
  readonly beforeMove?: (run: CopyContext, target: Repository, tag: string, digest: Hash) => Promise<void>;
  /** The registries that were reachable, shared by several copies. */
  readonly reached?: Set<string>;
}
