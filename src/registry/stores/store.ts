import { ConflictError } from "../../errors.ts";
import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import type { Bytes, ByteStream } from "../../runtime/mod.ts";
import type { Algorithm, Hash } from "../../spec/mod.ts";

/** A part of a blob. */
export interface BlobRange {
  /**
   * The first byte.
   * @default 0
   */
  readonly offset?: number;
  /**
   * The number of bytes.
   * @default all that follow
   */
  readonly length?: number;
}

/** A blob that a store holds. */
export interface StoredBlob {
  /** The number of its bytes. */
  readonly size: number;
  /** The time when the store got it, in milliseconds since 1970, within a few seconds. */
  readonly modified: number;
  /**
   * Opens a new stream of the blob or a part of it. A stream of the whole blob fails before it closes if the bytes have
   * another digest.
   */
  read(range?: BlobRange & AbortOptions): Promise<ByteStream>;
  /**
   * Returns a URL where any client can read the blob for a few minutes, past the registry. A store whose bytes have no such
   * URLs does not have it.
   */
  url?(options?: AbortOptions): Promise<string>;
}

/** An upload that has not become a blob. */
export interface StoredUpload {
  /** Its id. */
  readonly id: string;
  /** The time when it last got bytes, in milliseconds since 1970, within a few seconds. */
  readonly modified: number;
}

/** Options of {@linkcode RecordStore.list}. */
export interface StoreListOptions extends AbortOptions {
  /**
   * The name after which the list starts, by UTF-16 code units.
   * @default the list starts with the first name
   */
  readonly after?: string;
  /**
   * The most names to list.
   * @default all
   */
  readonly limit?: number;
}

/** Options of {@linkcode BlobStore.list}. */
export interface BlobListOptions extends AbortOptions {
  /**
   * The algorithm of the digests, and their first two hexadecimal digits.
   * @default all digests
   */
  readonly prefix?: { readonly algorithm: Algorithm; readonly digits: string };
}

/** Options of {@linkcode RecordStore.put}. */
export interface StorePutOptions extends AbortOptions {
  /**
   * Whether the record must outlive a loss of power.
   * @default true
   */
  readonly durable?: boolean;
}

/** Options of {@linkcode UploadStore.finish}. */
export interface StoreFinishOptions extends AbortOptions {
  /**
   * The size that the upload has to have. Without it, no other server may work on the upload meanwhile.
   * @default the size that it has
   */
  readonly size?: number;
}

/** Options of {@linkcode UploadStore.append}. */
export interface StoreAppendOptions extends StoreFinishOptions {
  /**
   * The expected algorithm of the digest of {@linkcode UploadStore.finish}. The bytes are hashed with it on the way; for
   * another algorithm they may have to be read again.
   * @default "sha256"
   */
  readonly algorithm?: Algorithm;
}

/**
 * The storage of a registry. It contains none of the registry's rules, and all of its state, so that several servers may
 * use one store.
 *
 * - A **key** is segments joined by `/`. A segment starts with a letter, a digit or `_`; letters, digits, `_`, `.` and
 *   `-` follow; it has at most 255 characters. Another key is a `TypeError`. No key is a prefix path of another.
 * - An **upload id** is one such segment, chosen by the caller. An upload exists from its first append; one
 *   without any is empty.
 * - **Writes are atomic**: a reader sees the old value or the new one, and a blob is complete or missing, also after the
 *   process was killed. When a call has resolved, every other caller sees its effect.
 * - The failures of any store are `StoreError`s. The failure of a given stream and the reason of a signal are passed on
 *   unchanged.
 */
export interface RegistryStore {
  /** Small values under keys. */
  readonly records: RecordStore;
  /** Immutable bytes, named by their digest. */
  readonly blobs: BlobStore;
  /** Bytes that become blobs. */
  readonly uploads: UploadStore;
}

/** The records of a {@linkcode RegistryStore}. */
export interface RecordStore {
  /** Reads the value of a record, or `undefined`. */
  get(key: string, options?: AbortOptions): Promise<Bytes | undefined>;
  /** Writes a record. */
  put(key: string, value: Bytes, options?: StorePutOptions): Promise<void>;
  /**
   * Writes a record if it has the expected value, or is missing for `undefined`; returns whether it was written. A store
   * without it has no conditional writes.
   */
  replace?(key: string, value: Bytes, options: AbortOptions & { expected: Bytes | undefined }): Promise<boolean>;
  /** Removes a record; returns whether it was there. */
  delete(key: string, options?: AbortOptions): Promise<boolean>;
  /** Removes records, those that are there. A store without it removes one by one. */
  deleteMany?(keys: readonly string[], options?: AbortOptions): Promise<void>;
  /**
   * Lists the names directly under a path, sorted by UTF-16 code units: the last segment of each record there and, with a
   * `/` at the end, the next segment of the records further down. The path is empty or ends with `/`.
   */
  list(path: string, options?: StoreListOptions): Promise<string[]>;
}

/** How much a store holds. */
export interface StoreUsage {
  /** The number of blobs. */
  readonly blobs: number;
  /** The number of their bytes. */
  readonly bytes: number;
}

/** The blobs of a {@linkcode RegistryStore}. */
export interface BlobStore {
  /** Finds a blob; `undefined` if the store does not have it or has found that its bytes are spoilt. */
  get(digest: Hash, options?: AbortOptions): Promise<StoredBlob | undefined>;
  /** Lists the digests of all blobs in no order. One that is added or removed meanwhile may be listed or not. */
  list(options?: BlobListOptions): AsyncIterable<Hash>;
  /**
   * Counts the blobs by lists alone, in which blobs that are added or removed meanwhile may be missing. A store without it
   * can't count them without a call for each.
   */
  usage?(options?: AbortOptions): Promise<StoreUsage>;
  /** Removes a blob and its bytes; returns whether it was there. A read that has started may fail. */
  delete(digest: Hash, options?: AbortOptions): Promise<boolean>;
  /** Removes blobs and their bytes; returns those that were there. A store without it removes one by one. */
  deleteMany?(digests: readonly Hash[], options?: AbortOptions): Promise<Hash[]>;
}

/** The uploads of a {@linkcode RegistryStore}. */
export interface UploadStore {
  /**
   * Lists in no order all uploads that have bytes or take room in another way, such as the remains of one that was
   * interrupted while it was being finished.
   */
  list(options?: AbortOptions): AsyncIterable<StoredUpload>;
  /** Returns the number of bytes of an upload. */
  size(id: string, options?: AbortOptions): Promise<number>;
  /**
   * Adds a stream to an upload and returns its new size. If the stream fails, the bytes before the failure are kept, so
   * that a client can continue from there; if the store fails, the whole upload is dropped.
   *
   * @throws {ConflictError} if the upload does not have the given size, or if another server has continued it before this
   * call ends: nothing is added, and the upload stays as the other server left it.
   */
  append(id: string, body: ByteStream, options?: StoreAppendOptions): Promise<number>;
  /**
   * Makes a blob of an upload and returns its size. Bytes that were hashed on the way are neither copied nor read again. The
   * upload is gone afterwards, unless there is a conflict.
   *
   * @throws {DigestMismatchError} if the bytes have another digest; no blob is made.
   * @throws {ConflictError} as {@linkcode UploadStore.append}.
   */
  finish(id: string, digest: Hash, options?: StoreFinishOptions): Promise<number>;
  /** Drops an upload and its bytes, if there are any. */
  cancel(id: string, options?: AbortOptions): Promise<void>;
}

/** The number of records or blobs that are removed at the same time where a store removes one by one. */
const CONCURRENCY = 64;

/** Removes records, those that are there, at once where the store can. */
export async function deleteRecords(
  records: RecordStore,
  keys: readonly string[],
  options: AbortOptions = {},
): Promise<void> {
  if (records.deleteMany) return await records.deleteMany(keys, options);
  const work = (key: string, signal: AbortSignal) => records.delete(key, { signal });
  await mapConcurrent(keys, { concurrency: CONCURRENCY, ...options }, work);
}

/** Removes blobs, at once where the store can; returns those that were there. */
export async function deleteBlobs(
  blobs: BlobStore,
  digests: readonly Hash[],
  options: AbortOptions = {},
): Promise<Hash[]> {
  if (blobs.deleteMany) return await blobs.deleteMany(digests, options);
  const removed = await mapConcurrent(digests, { concurrency: CONCURRENCY, ...options }, async (digest, signal) => {
    return await blobs.delete(digest, { signal }) ? [digest] : [];
  });
  return removed.flat();
}

/** Makes the error for an upload that another server has continued or ended. */
export function uploadConflict(id: string): ConflictError {
  return new ConflictError(`another server has continued or ended upload ${id}`, {
    hint: "ask for its size, and continue from there",
  });
}
