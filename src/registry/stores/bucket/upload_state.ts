import { StoreError } from "../../../errors.ts";
import { type AbortOptions, Limits, readAll } from "../../../io/mod.ts";
import { type Bytes, type ResumableHash, resumableHash } from "../../../runtime/mod.ts";
import type { Algorithm, Hash } from "../../../spec/mod.ts";
import type { ObjectBucket, PartsUpload } from "./object_bucket.ts";
import { checkUploadId } from "../store_key.ts";
import { uploadConflict } from "../store.ts";
import { entryKey, loadEntry } from "./blob_entry.ts";

/** What an object store keeps of an upload between two requests, so that any server can go on with it. */
export interface UploadState {
  /** The number of all bytes. It is the first member, so that it can be read alone. */
  readonly size: number;
  /** The key of the object that holds the bytes, or is going to. */
  readonly object: string;
  /** The algorithm of the hash. */
  readonly algorithm: Algorithm;
  /** The digest of all bytes by that algorithm, or by another that it is being finished with. */
  readonly digest: Hash;
  /** The parts that have been written, if any. */
  readonly parts?: UploadParts;
  /** The state of the hash after the parts. */
  readonly hash: string;
  /** What tells this version from any other. */
  readonly save?: string;
}

/** The parts of an upload. */
export interface UploadParts {
  /** What they are parts of. */
  readonly upload: PartsUpload;
  /** The etags of the parts by their numbers, from 1; an empty one where a number is not used. */
  readonly etags: readonly string[];
  /**
   * The highest number that a server may be writing to: another one takes those that follow.
   * @default the last of the etags
   */
  readonly taken?: number;
}

/** A state with what belongs to it. */
export interface SavedState {
  /** The state. */
  readonly state: UploadState;
  /** The bytes that did not fill a part yet. */
  readonly rest: Bytes;
  /** The version of the state's object; none where it has not been written yet. */
  readonly etag: string | undefined;
}

/** Where the states of uploads are. */
export const UPLOADS = "uploads/";

const NEWLINE = 0x0a;
/** So many bytes say how large an upload is. */
const HEAD = 64;
/** A state has at most the etags of 10,000 parts, and a part of any size. */
const LIMIT = 10 * Limits.manifest;

/** The key of the state of an upload. */
export function stateKey(id: string): string {
  return UPLOADS + checkUploadId(id);
}

/** The state of an upload that nothing was added to yet. */
export async function emptyState(algorithm: Algorithm): Promise<SavedState> {
  const hash = await resumableHash(algorithm);
  const rest = new Uint8Array(0);
  const digest = await digestWith(hash, algorithm, rest);
  const object = `data/${crypto.randomUUID()}`;
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

/** Reads only how large an upload is; 0 where there is none. */
export async function loadSize(bucket: ObjectBucket, key: string, options: AbortOptions = {}): Promise<number> {
  const content = await bucket.read(key, { offset: 0, length: HEAD, ...options });
  if (!content) return 0;
  const head = new TextDecoder().decode(await readAll(content.body, { limit: LIMIT, what: key, ...options }));
  return Number(/^\{"size":(\d+),/.exec(head)?.[1] ?? 0);
}

/**
 * Writes the state of an upload over the version that it came of, and gives it with its new version.
 *
 * @throws {ConflictError} when there is another version by now, or none any more.
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
  if (current?.state.save === save) return { ...saved, etag: current.etag }; // an answer was lost, and it was tried again
  throw uploadConflict(key.slice(UPLOADS.length));
}

/** Removes the state of an upload, and before that its object, unless a blob has come of it. */
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

/** The digest of what was hashed so far and some bytes more; the hash stays as it is. */
export async function digestWith(hash: ResumableHash, algorithm: Algorithm, rest: Bytes): Promise<Hash> {
  const copy = await resumableHash(algorithm, hash.save());
  copy.update(rest);
  return `${algorithm}:${await copy.hex()}`;
}
