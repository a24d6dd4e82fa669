import type { Keychain } from "../src/authn/mod.ts";
import type { NameOptions } from "../src/name/mod.ts";
import type { RemoteOptions } from "../src/remote/mod.ts";
import type { Hash, Platform } from "../src/spec/mod.ts";
import type { Shard } from "./shard.ts";

/** Options of {@linkcode copyRecursively}. */
export interface CopyRecursivelyOptions extends RemoteOptions, NameOptions {
  /**
   * How many repositories are looked at, how many manifests and how many layers move at the same time.
   * @default 4
   */
  jobs?: number;
  /**
   * Finds credentials for reading the source, where those are others than for the destination.
   * @default `keychain`
   */
  sourceKeychain?: Keychain;
  /**
   * Tags to copy: globs, or regular expressions in slashes; one of them must match.
   * @default all
   */
  tagFilter?: readonly string[];
  /**
   * Repositories to leave out, with those below them, by their path in the source registry: globs, or regular
   * expressions in slashes.
   * @default none
   */
  exclude?: readonly string[];
  /**
   * Which images of an index are copied: with one platform its image takes the index's place, with several a smaller
   * index does. What is not in an index is copied as it is; manifests without a tag are left out then.
   * @default all
   */
  platforms?: readonly (Platform | string)[];
  /**
   * Whether signatures, attestations, SBOMs and whatever else refers to what is copied comes along, though no tag or
   * listing leads to it.
   * @default false
   */
  withReferrers?: boolean;
  /**
   * Whether manifests without a tag are copied, where the source registry tells of them (Google's extension). Those
   * that an index leads to are in any case.
   * @default true, but false with a filter of tags
   */
  untagged?: boolean;
  /**
   * Whether tags that the destination has are left as they are.
   * @default false
   */
  noClobber?: boolean;
  /**
   * Whether everything is looked at and nothing is written.
   * @default false
   */
  dryRun?: boolean;
  /**
   * The part of the repositories to copy.
   * @default all
   */
  shard?: Shard;
  /**
   * A file that keeps what was done, so that the same call goes on where one that was killed had stopped.
   * @default none
   */
  journal?: string;
  /**
   * The most bytes of layers per second.
   * @default no limit
   */
  bytesPerSecond?: number;
  /**
   * What is done about tags and manifests of the destination that the source does not have: nothing, they are found
   * and given in the result, or deleted. Nothing is deleted when anything has failed, and nothing ever that a manifest
   * needs which stays. Tags and what refers to a manifest are read again right before it is deleted; what changes
   * between that answer and the deletion is not seen, as registries have no conditional delete.
   * @default "keep"
   */
  extra?: "keep" | "find" | "delete";
  /**
   * Whether a source that has nothing, or whose list is not there, is meant: else what the destination has in its place
   * is a failure, and nothing is deleted.
   * @default false
   */
  allowEmpty?: boolean;
  /**
   * What may be deleted: only that of what is found which is in this list too.
   * @default all that is found
   */
  onlyExtra?: readonly ExtraItem[];
  /**
   * Told of everything as it happens.
   * @default nobody
   */
  onEvent?: (event: CopyEvent) => void;
  /**
   * Ends the copy. What was copied stays and is in the journal.
   * @default none
   */
  signal?: AbortSignal;
}

/** Something that the destination has and the source has not. */
export interface ExtraItem {
  /** The full name of the repository. */
  readonly repository: string;
  /** The tag; without one it is the manifest itself. */
  readonly tag?: string;
  /** The digest of the manifest, or of the one that the tag points at. */
  readonly digest: Hash;
}

/** Something that could not be done. */
export interface CopyFailure {
  /** What: a reference, a repository, a registry. */
  readonly name: string;
  /** Why. */
  readonly error: unknown;
}

/** What happens in a recursive copy. */
export type CopyEvent =
  /** The journal says that so many repositories were done before. */
  | { readonly kind: "resumed"; readonly repositories: number }
  /** A repository was gone through; `copied` tells whether anything had to be. */
  | { readonly kind: "repository"; readonly source: string; readonly target: string; readonly copied: boolean }
  /** A manifest, with all below it, and its tags are at the destination now; in a dry run they would be. */
  | {
    readonly kind: "manifest";
    /** The full name of the repository that it comes from. */
    readonly source: string;
    /** The full name of the repository that it goes to. */
    readonly target: string;
    readonly digest: Hash;
    /** Those that were set. */
    readonly tags: readonly string[];
    /** Whether the manifest was there already, and tags alone were missing. */
    readonly there: boolean;
  }
  /** An index has nothing for the platforms that were asked for. */
  | { readonly kind: "unsuited"; readonly source: string; readonly digest: Hash; readonly tags: readonly string[] }
  /** A request failed in passing and is tried again after so many milliseconds. */
  | { readonly kind: "waiting"; readonly ms: number }
  /** Something could not be done; the rest goes on. */
  | { readonly kind: "failed"; readonly failure: CopyFailure }
  /** Something of the destination that the source does not have was deleted. */
  | { readonly kind: "deleted"; readonly item: ExtraItem }
  /** Something stays that the source does not have, or that is in {@linkcode CopyRecursivelyOptions.onlyExtra}. */
  | { readonly kind: "left"; readonly name: string; readonly reason: string };

/** What came of a recursive copy. */
export interface CopyResult {
  /** How many repositories were gone through. */
  readonly repositories: number;
  /** How many repositories the journal says were done before. */
  readonly resumed: number;
  /** How many manifests were copied, members of indexes among them; in a dry run those alone that a listing names. */
  readonly manifests: number;
  /** How many manifests that the source lists were at the destination already, with their tags. */
  readonly there: number;
  /** How many tags were set. */
  readonly tags: number;
  /** How many indexes have nothing for the platforms that were asked for. */
  readonly unsuited: number;
  /** The bytes of layers that were sent. */
  readonly bytes: number;
  /** What could not be done: the first thousand of {@linkcode CopyResult.failed}. */
  readonly failures: readonly CopyFailure[];
  /** How many things could not be done. */
  readonly failed: number;
  /** What the destination has and the source has not, where that was asked for and nothing failed. */
  readonly extra: readonly ExtraItem[];
  /** How many of them were deleted. */
  readonly deleted: number;
}
