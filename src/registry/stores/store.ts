import { ConflictError } from "../../errors.ts";
import type { AbortOptions } from "../../io/mod.ts";
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
  /** When the store got it, in milliseconds since 1970, give or take a few seconds. */
  readonly modified: number;
  /**
   * A fresh stream of the blob or a part of it. A stream over bytes that are not those of the digest fails before it
   * closes.
   */
  read(range?: BlobRange & AbortOptions): Promise<ByteStream>;
}

/** An upload that has not become a blob. */
export interface StoredUpload {
  /** Its id. */
  readonly id: string;
  /** When it was last added to, in milliseconds since 1970, give or take a few seconds. */
  readonly modified: number;
}

/** Options of {@linkcode RecordStore.list}. */
export interface StoreListOptions extends AbortOptions {
  /**
   * Only names after this one, by UTF-16 code units.
   * @default from the start
   */
  readonly after?: string;
  /**
   * The most names to give.
   * @default all
   */
  readonly limit?: number;
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
   * The bytes that the upload has to have. Without it, no other server may work on the upload meanwhile.
   * @default as many as it has
   */
  readonly size?: number;
}

/** Options of {@linkcode UploadStore.append}. */
export interface StoreAppendOptions extends StoreFinishOptions {
  /**
   * The algorithm of the digest that {@linkcode UploadStore.finish} is likely to be given: the bytes are hashed
   * on the way, and with another digest they may have to be read again.
   * @default "sha256"
   */
  readonly algorithm?: Algorithm;
}

/**
 * What a registry keeps its content in. Nothing of the registry's rules is in here, and no state that matters is
 * outside, so that several servers may work on one store.
 *
 * - A **key** is segments joined by `/`. A segment starts with a letter, a digit or `_`; letters, digits, `_`, `.` and
 *   `-` follow; it has at most 255 characters. Another key is a `TypeError`. No key is a prefix path of another.
 * - An **upload id** is one such segment, chosen by the caller. An upload comes to be with its first append; one that
 *   was never appended to is empty.
 * - **Writes are atomic**: a reader sees the old value or the new one, a blob is there whole or not at all, also after
 *   the process was killed, and what a call has done can be seen by everybody when it resolves.
 * - A store's own failures are `StoreError`s, whatever it is made of. A failure of a stream that it was given is passed
 *   on as it is, and so is the reason of a signal.
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
  /** The value of a record, or `undefined`. */
  get(key: string, options?: AbortOptions): Promise<Bytes | undefined>;
  /** Writes a record. */
  put(key: string, value: Bytes, options?: StorePutOptions): Promise<void>;
  /** Removes a record; whether it was there. */
  delete(key: string, options?: AbortOptions): Promise<boolean>;
  /**
   * The names directly under a path, sorted by UTF-16 code units: the last segment of each record there and, with a
   * `/` at the end, the next segment of those further down. The path is empty or ends with `/`.
   */
  list(path: string, options?: StoreListOptions): Promise<string[]>;
}

/** The blobs of a {@linkcode RegistryStore}. */
export interface BlobStore {
  /** A blob, or `undefined` when the store does not hold it or knows that its bytes are spoilt. */
  get(digest: Hash, options?: AbortOptions): Promise<StoredBlob | undefined>;
  /** The digests of all blobs, in no order. One that comes or goes meanwhile may be among them or not. */
  list(options?: AbortOptions): AsyncIterable<Hash>;
  /** Removes a blob and its bytes; whether it was there. A read that has begun may fail. */
  delete(digest: Hash, options?: AbortOptions): Promise<boolean>;
}

/** The uploads of a {@linkcode RegistryStore}. */
export interface UploadStore {
  /**
   * All uploads that have bytes or take room in another way, such as what an upload left behind that was interrupted
   * while it was being finished, in no order.
   */
  list(options?: AbortOptions): AsyncIterable<StoredUpload>;
  /** How many bytes an upload has. */
  size(id: string, options?: AbortOptions): Promise<number>;
  /**
   * Adds a stream to an upload and gives its new size. When the stream fails, what came before is kept, so that a
   * client can go on from there; when the store fails, the whole upload is dropped.
   *
   * @throws {ConflictError} when the upload is not of the given size, or when another server went on with it before this
   * call was done: nothing is added, and the upload stays as the other left it.
   */
  append(id: string, body: ByteStream, options?: StoreAppendOptions): Promise<number>;
  /**
   * Makes a blob of an upload and gives its size. The bytes are neither copied nor read again where they were hashed on
   * the way in. The upload is gone afterwards, unless there is a conflict.
   *
   * @throws {DigestMismatchError} when the bytes have another digest; no blob is made.
   * @throws {ConflictError} as {@linkcode UploadStore.append}.
   */
  finish(id: string, digest: Hash, options?: StoreFinishOptions): Promise<number>;
  /** Drops an upload and its bytes, if there are any. */
  cancel(id: string, options?: AbortOptions): Promise<void>;
}

/** Makes what a store throws when another server went on with an upload, or ended it. */
export function uploadConflict(id: string): ConflictError {
  return new ConflictError(`another server went on with upload ${id}, or ended it`, {
    hint: "ask how far it is, and go on from there",
  });
}
