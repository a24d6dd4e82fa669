import type { Keychain } from "../src/authn/mod.ts";
import type { NameOptions } from "../src/name/mod.ts";
import type { RemoteOptions } from "../src/remote/mod.ts";
import type { Hash, Platform } from "../src/spec/mod.ts";
import type { Shard } from "./shard.ts";

/** Options of {@linkcode copyRecursively}. */
export interface CopyRecursivelyOptions extends RemoteOptions, NameOptions {
  /**
   * The number of repositories that are listed, of manifests and of layers that are copied at the same time.
   *
   * @default 4
   */
  jobs?: number;
  /**
   * Provides the credentials for the source, if they differ from those for the destination.
   *
   * @default `keychain`
   */
  sourceKeychain?: Keychain;
  /**
   * The tags to copy: globs, or regular expressions in slashes, one of which must match.
   *
   * @default all
   */
  tagFilter?: readonly string[];
  /**
   * A range of versions, for example `>=1.2 <2`: copies only tags that are complete versions in it.
   *
   * @default every tag, versions or not
   */
  semver?: string;
  /**
   * Repositories to leave out, with those below them, by their path in the source registry: globs, or regular
   * expressions in slashes.
   *
   * @default none
   */
  exclude?: readonly string[];
  /**
   * The platforms of the images to copy from an index: one replaces the index with its image, several with a smaller
   * index. Images outside of an index are copied unchanged; manifests without a tag are left out.
   *
   * @default all
   */
  platforms?: readonly (Platform | string)[];
  /**
   * Whether to copy the referrers (signatures, attestations, SBOMs, …) too, even without a tag or an entry in a
   * listing.
   *
   * @default false
   */
  withReferrers?: boolean;
  /**
   * Whether to copy manifests without a tag, if the source registry lists them (Google's extension). The members of an
   * index are always copied.
   *
   * @default true, but false with a filter of tags or versions
   */
  untagged?: boolean;
  /**
   * Whether to keep tags that exist at the destination.
   *
   * @default false
   */
  noClobber?: boolean;
  /**
   * Whether to read everything and write nothing.
   *
   * @default false
   */
  dryRun?: boolean;
  /**
   * The part of the repositories to copy.
   * @default all
   */
  shard?: Shard;
  /**
   * The path of a journal of completed work, with which the same call continues an interrupted one.
   *
   * @default none
   */
  journal?: string;
  /**
   * The most bytes of layers per second.
   * @default no limit
   */
  bytesPerSecond?: number;
  /**
   * What to do with extra content: tags and manifests of the destination that the source does not have. It is kept,
   * listed in the result, or deleted. Nothing is deleted after a failure, and a manifest that another one needs is
   * never deleted. Tags and referrers are read again just before a deletion, and the source is asked for the content
   * itself, as its lists may be partial; a later change can't be detected, as registries have no conditional delete.
   *
   * @default "keep"
   */
  extra?: "keep" | "find" | "delete";
  /**
   * Whether the source may be empty or missing. Otherwise content of the destination in its place is a failure, and
   * nothing is deleted.
   *
   * @default false
   */
  allowEmpty?: boolean;
  /**
   * A list of deletable content: other extra content is kept.
   *
   * @default all that is found
   */
  onlyExtra?: readonly ExtraItem[];
  /**
   * Called for each event.
   *
   * @default not called
   */
  onEvent?: (event: CopyEvent) => void;
  /**
   * Ends the copy. Content that was copied stays and is recorded in the journal.
   *
   * @default none
   */
  signal?: AbortSignal;
}

/** Content of the destination that the source does not have. */
export interface ExtraItem {
  /** The full name of the repository. */
  readonly repository: string;
  /** The tag; missing for the manifest itself. */
  readonly tag?: string;
  /** The digest of the manifest, or of the one that the tag points at. */
  readonly digest: Hash;
}

/** A failure of one part of the copy. */
export interface CopyFailure {
  /** The name of the reference, repository or registry. */
  readonly name: string;
  /** The cause. */
  readonly error: unknown;
}

/** An event of a recursive copy. */
export type CopyEvent =
  /** The journal records this number of complete repositories from earlier runs. */
  | { readonly kind: "resumed"; readonly repositories: number }
  /** A repository was processed; `copied` is whether anything was missing. */
  | { readonly kind: "repository"; readonly source: string; readonly target: string; readonly copied: boolean }
  /** A manifest is at the destination with all its content and tags; in a dry run it would be. */
  | {
    readonly kind: "manifest";
    /** The full name of the source repository. */
    readonly source: string;
    /** The full name of the target repository. */
    readonly target: string;
    readonly digest: Hash;
    /** The tags that were set. */
    readonly tags: readonly string[];
    /** Whether the manifest existed already and only tags were missing. */
    readonly there: boolean;
  }
  /** An index has no images for the requested platforms. */
  | { readonly kind: "unsuited"; readonly source: string; readonly digest: Hash; readonly tags: readonly string[] }
  /** A request failed temporarily and is repeated after this number of milliseconds. */
  | { readonly kind: "waiting"; readonly ms: number }
  /** One part of the copy failed; the rest continues. */
  | { readonly kind: "failed"; readonly failure: CopyFailure }
  /** Extra content of the destination was deleted. */
  | { readonly kind: "deleted"; readonly item: ExtraItem }
  /** The tags to copy include none of the source's. */
  | { readonly kind: "unmatched"; readonly source: string }
  /** Content of the source was not copied, or extra content of the destination was kept. */
  | { readonly kind: "left"; readonly name: string; readonly reason: string };

/** The result of a recursive copy. */
export interface CopyResult {
  /** The number of repositories that were processed. */
  readonly repositories: number;
  /** The number of repositories that were complete in the journal. */
  readonly resumed: number;
  /**
   * The number of manifests that were copied, members of indexes included; in a dry run only of those that a listing
   * names.
   */
  readonly manifests: number;
  /** The number of listed manifests that the destination already had with their tags. */
  readonly there: number;
  /** The number of tags that were set. */
  readonly tags: number;
  /** The number of tags of the destination that were kept because of `noClobber`. */
  readonly kept: number;
  /** The number of indexes without images for the requested platforms. */
  readonly unsuited: number;
  /** The number of layer bytes that were sent. */
  readonly bytes: number;
  /** The first thousand of the {@linkcode CopyResult.failed} failures. */
  readonly failures: readonly CopyFailure[];
  /** The number of failures. */
  readonly failed: number;
  /** The extra content of the destination, if it was requested and nothing failed. */
  readonly extra: readonly ExtraItem[];
  /** The number of deleted extra items. */
  readonly deleted: number;
}
