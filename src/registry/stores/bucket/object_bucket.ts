import type { AbortOptions } from "../../../io/mod.ts";
import type { Bytes, ByteStream } from "../../../runtime/mod.ts";
import type { BlobRange } from "../store.ts";

/** An object, or a part of one, that is being read. */
export interface BucketContent {
  /** Its bytes. */
  readonly body: ByteStream;
  /** The etag of this version of the object. */
  readonly etag: string;
}

/** An object in a bucket's list. */
export interface BucketObject {
  readonly key: string;
  /** The number of its bytes. */
  readonly size: number;
  /** The time of its last change in milliseconds since 1970. */
  readonly modified: number;
}

/** A page of a bucket's list. */
export interface BucketPage {
  /** The objects, in the order of their keys. */
  readonly objects: readonly BucketObject[];
  /** With `folders`: the paths below which there are objects, ending with `/`, in order. */
  readonly folders: readonly string[];
  /** Whether another page follows. */
  readonly hasMore: boolean;
}

/** Options of {@linkcode ObjectBucket.list}. */
export interface BucketListOptions extends AbortOptions {
  /**
   * The key after which the list starts.
   * @default the list starts with the first key
   */
  readonly after?: string;
  /**
   * The most objects and folders of a page; it may have fewer although another page follows.
   * @default 1000
   */
  readonly limit?: number;
  /**
   * Whether keys with a `/` after the prefix are grouped into folders.
   * @default false
   */
  readonly folders?: boolean;
}

/** An object that is written in parts. */
export interface PartsUpload {
  /** The key of the object that it becomes. */
  readonly key: string;
  /** The id that the bucket gave it. */
  readonly id: string;
}

/**
 * A bucket of objects: S3 or R2. When a call has resolved, every other client sees its effect. Failures are `StoreError`s,
 * after retries if those may help.
 */
export interface ObjectBucket {
  /** Returns the size of a part by its number, from 1; the last part may be smaller. */
  partSize(number: number): number;
  /** Reads an object or a part of it; `undefined` if there is none. */
  read(key: string, options?: BlobRange & AbortOptions): Promise<BucketContent | undefined>;
  /** Returns a signed URL where any client can read an object for a few minutes; absent if the bucket has none. */
  signedUrl?(key: string, options?: AbortOptions): Promise<string>;
  /** Returns whether there is such an object. */
  has(key: string, options?: AbortOptions): Promise<boolean>;
  /**
   * Writes an object and returns its etag. With `onlyIf`, it writes nothing and returns `undefined` if the object has another
   * etag or, for `"absent"`, if there is an object.
   */
  put(key: string, bytes: Bytes, options?: AbortOptions & { onlyIf?: string }): Promise<string | undefined>;
  /** Removes an object, if there is one. */
  delete(key: string, options?: AbortOptions): Promise<void>;
  /** Removes the objects that are there among any number. */
  deleteMany(keys: readonly string[], options?: AbortOptions): Promise<void>;
  /** Lists the keys with a prefix. */
  list(prefix: string, options?: BucketListOptions): Promise<BucketPage>;
  /** Starts an object in parts. */
  startParts(key: string, options?: AbortOptions): Promise<PartsUpload>;
  /** Writes a part, by its number from 1, and returns its etag. */
  putPart(upload: PartsUpload, part: { number: number; bytes: Bytes }, options?: AbortOptions): Promise<string>;
  /** Makes the object of the parts with these etags, in order; an empty etag stands for a part that does not exist. */
  finishParts(upload: PartsUpload, etags: readonly string[], options?: AbortOptions): Promise<void>;
  /** Drops the parts, if there are any. */
  dropParts(upload: PartsUpload, options?: AbortOptions): Promise<void>;
}

/** The most objects that services remove with one request. */
const BATCH = 1_000;

/** Divides keys into as many as services remove with one request. */
export function deleteBatches(keys: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(keys.length / BATCH) }, (_, i) => keys.slice(i * BATCH, (i + 1) * BATCH));
}

/** Lists every object with a prefix, over all pages. */
export async function* eachObject(
  bucket: ObjectBucket,
  prefix: string,
  options: AbortOptions = {},
): AsyncGenerator<BucketObject, void, undefined> {
  let after: string | undefined;
  for (;;) {
    const { objects, hasMore } = await bucket.list(prefix, { after, ...options });
    yield* objects;
    if (!hasMore || objects.length === 0) return;
    after = objects.at(-1)!.key;
  }
}
