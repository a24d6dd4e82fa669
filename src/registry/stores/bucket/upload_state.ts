import { StoreError } from "../../../errors.ts";
import { type AbortOptions, Limits, readAll } from "../../../io/mod.ts";
import { type Bytes, type ResumableHash, resumableHash } from "../../../runtime/mod.ts";
import type { Algorithm, Hash } from "../../../spec/mod.ts";
import type { ObjectBucket, PartsUpload } from "./object_bucket.ts";
import { checkUploadId } from "../store_key.ts";
import { uploadConflict } from "../store.ts";
import { entryKey, loadEntry } from "./blob_entry.ts";

/** The state of an upload between two requests, from which any server can continue. */
export interface UploadState {
  /** The number of all bytes. The first member, so that it can be read alone. */
  readonly size: number;
  /** The key of the object that holds the bytes, or will hold them. */
  readonly object: string;
  /** The algorithm of the hash. */
  readonly algorithm: Algorithm;
  /** The digest of all bytes by that algorithm, or the digest that it is being finished with. */
  readonly digest: Hash;
  /** The parts that have been written, if any. */
  readonly parts?: UploadParts;
  /** The state of the hash after the parts. */
  readonly hash: string;
  /** The id of this version. */
  readonly save?: string;
}

/** The parts of an upload. */
export interface UploadParts {
  /** The object in parts. */
  readonly upload: PartsUpload;
  /** The etags of the parts by their numbers, from 1; an empty one for an unused number. */
  readonly etags: readonly string[];
  /**
   * The highest number that a server has reserved: another server uses those that follow.
   * @default the number of etags
   */
  readonly taken?: number;
}

/** A state as it is stored. */
export interface SavedState {
  /** The state. */
  readonly state: UploadState;
  /** The bytes that do not fill a part yet. */
  readonly rest: Bytes;
  /** The etag of the state's object; `undefined` before the first write. */
  readonly etag: string | undefined;
}

/** The start of the keys of objects with the bytes of blobs. */
export const DATA = "data/";
/** The start of the keys of states. */
export const UPLOADS = "uploads/";

const NEWLINE = 0x0a;
/** The number of bytes that contain the size of an upload. */
const HEAD = 64;
/** The largest state, in bytes: the etags of 10,000 parts, and the rest. */
const LIMIT = 10 * Limits.manifest;

/** Returns the key of the state of an upload. */
export function stateKey(id: string): string {
  return UPLOADS + checkUploadId(id);
}

/** Makes the state of an upload without bytes. */
export async function emptyState(algorithm: Algorithm): Promise<SavedState> {
  const hash = await resumableHash(algorithm);
  const rest = new Uint8Array(0);
  const digest = await digestWith(hash, algorithm, rest);
  const object = `${DATA}${crypto.randomUUID()}`;
  return { state: { size: 0, object, algorithm, digest, hash: hash.save() }, rest, etag: undefined };
}

/** Reads the state of an upload, or `undefined`. */
export async function loadState(
  bucket: ObjectBucket,
  key: string,
  options: AbortOptions = {},
): Promise<SavedState | undefined> {
  const content = await bucket.read(key, options);
  if (!content) return undefined;
  const bytes = await readAll(content.body, { limit: LIMIT, what: key, ...options });
  const end = bytes.indexOf(NEWLINE);
  try {
    const state = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    return { state, rest: bytes.subarray(end + 1), etag: content.etag };
  } catch (cause) {
    throw new StoreError(`${key} is not the state of an upload`, { cause, hint: "remove that object" });
  }
}

/** Reads only the size of an upload; 0 if there is none. */
export async function loadSize(bucket: ObjectBucket, key: string, options: AbortOptions = {}): Promise<number> {
  const content = await bucket.read(key, { offset: 0, length: HEAD, ...options });
  if (!content) return 0;
  const head = new TextDecoder().decode(await readAll(content.body, { limit: LIMIT, what: key, ...options }));
  return Number(/^\{"size":(\d+),/.exec(head)?.[1] ?? 0);
}

/**
 * Writes the state of an upload over the version that it was read from, and returns it with its new etag.
 *
 * @throws {ConflictError} if there is another version by now, or none.
 */
export async function saveState(bucket: ObjectBucket, key: string, saved: SavedState): Promise<SavedState> {
  const { state: { size, ...others }, rest, etag } = saved;
  const save = crypto.randomUUID();
  const line = new TextEncoder().encode(`${JSON.stringify({ size, ...others, save })}\n`);
  const bytes = new Uint8Array(line.length + rest.length);
  bytes.set(line);
  bytes.set(rest, line.length);
  const next = await bucket.put(key, bytes, { onlyIf: etag ?? "absent" });
  if (next !== undefined) return { ...saved, etag: next };
  const current = await loadState(bucket, key);
  if (current?.state.save === save) return { ...saved, etag: current.etag }; // an answer was lost, and a retry met the own write
  throw uploadConflict(key.slice(UPLOADS.length));
}

/** Removes the state of an upload, after its object unless that has become a blob. */
export async function dropUpload(bucket: ObjectBucket, key: string): Promise<void> {
  const saved = await loadState(bucket, key);
  if (!saved) return;
  const { object, digest, parts } = saved.state;
  const isBlob = async () => (await loadEntry(bucket, digest))?.object === object;
  if (!await isBlob()) {
    if (parts) await bucket.dropParts(parts.upload);
    await bucket.delete(object);
    if (await isBlob()) await bucket.delete(entryKey(digest)); // another server has just finished what was dropped here
  }
  await bucket.delete(key);
}

/** Returns the digest of the bytes hashed so far and some more; the hash stays as it is. */
export async function digestWith(hash: ResumableHash, algorithm: Algorithm, rest: Bytes): Promise<Hash> {
  const copy = await resumableHash(algorithm, hash.save());
  copy.update(rest);
  return `${algorithm}:${await copy.hex()}`;
}
