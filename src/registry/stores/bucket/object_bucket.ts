import type { AbortOptions } from "../../../io/mod.ts";
import type { Bytes, ByteStream } from "../../../runtime/mod.ts";
import type { BlobRange } from "../store.ts";

/** An object, or a part of one, that is being read. */
export interface BucketContent {
  /** Its bytes. */
  readonly body: ByteStream;
  /** What tells this version of the object from any other. */
  readonly etag: string;
}

/** A page of a bucket's list. */
export interface BucketPage {
  /** The objects, in the order of their keys, with the time of their last change in milliseconds since 1970. */
  readonly objects: readonly { readonly key: string; readonly modified: number }[];
  /** With `folders`: the paths below which there are objects, ending with `/`, in order. */
  readonly folders: readonly string[];
  /** Whether there is more after these. */
  readonly hasMore: boolean;
}

/** Options of {@linkcode ObjectBucket.list}. */
export interface BucketListOptions extends AbortOptions {
  /**
   * Only keys after this one.
   * @default from the start
   */
  readonly after?: string;
  /**
   * The most objects and folders to give; there may be fewer on a page though more follow.
   * @default 1000
   */
  readonly limit?: number;
  /**
   * Whether what has a `/` after the prefix is given as a folder.
   * @default false
   */
  readonly folders?: boolean;
}

/** An object that is written in parts. */
export interface PartsUpload {
  /** The key of the object that it becomes. */
  readonly key: string;
  /** What the bucket calls it. */
  readonly id: string;
}

/**
 * What a store needs of a bucket of objects: S3 or R2. Whoever has seen a call resolve finds all others seeing what it
 * did. Failures are `StoreError`s, tried again before where that may help.
 */
export interface ObjectBucket {
  /** How many bytes the part of this number, from 1, has to have, unless it is the last. */
  partSize(number: number): number;
  /** Reads an object or a part of it; `undefined` when there is none. */
  read(key: string, options?: BlobRange & AbortOptions): Promise<BucketContent | undefined>;
  /** Whether there is such an object. */
  has(key: string, options?: AbortOptions): Promise<boolean>;
  /**
   * Writes an object and gives its etag; with `onlyIf`, `undefined` and nothing is written where the object has another
   * etag, or for `"absent"`, where there is one.
   */
  put(key: string, bytes: Bytes, options?: AbortOptions & { onlyIf?: string }): Promise<string | undefined>;
  /** Removes an object, if there is one. */
  delete(key: string, options?: AbortOptions): Promise<void>;
  /** Lists what starts with a prefix. */
  list(prefix: string, options?: BucketListOptions): Promise<BucketPage>;
  /** Begins an object in parts. */
  startParts(key: string, options?: AbortOptions): Promise<PartsUpload>;
  /** Writes a part, its number from 1, and gives its etag. */
  putPart(upload: PartsUpload, part: { number: number; bytes: Bytes }, options?: AbortOptions): Promise<string>;
  /** Makes the object of the parts that have these etags, in order; there is no part where one is empty. */
  finishParts(upload: PartsUpload, etags: readonly string[], options?: AbortOptions): Promise<void>;
  /** Drops the parts, if there still are any. */
  dropParts(upload: PartsUpload, options?: AbortOptions): Promise<void>;
}

/** Every object that starts with a prefix. */
export async function* eachObject(
  bucket: ObjectBucket,
  prefix: string,
  options: AbortOptions = {},
): AsyncGenerator<{ key: string; modified: number }, void, undefined> {
  let after: string | undefined;
  for (;;) {
    const { objects, hasMore } = await bucket.list(prefix, { after, ...options });
    yield* objects;
    if (!hasMore || objects.length === 0) return;
    after = objects.at(-1)!.key;
  }
}
