import { StoreError } from "../../../errors.ts";
import { type AbortOptions, readAll } from "../../../io/mod.ts";
import { jsonBytes } from "../../../spec/internal.ts";
import { type Hash, hashAlgorithm, hashHexDigits, parseHash } from "../../../spec/mod.ts";
import type { ObjectBucket } from "./object_bucket.ts";

/**
 * The entry of a blob, an object under its digest. An object can't be renamed and a digest is known only at the end, so
 * the bytes are in an object of another name, which the entry holds.
 */
export interface BlobEntry {
  /** The key of the object with its bytes. */
  readonly object: string;
  /** The number of its bytes. */
  readonly size: number;
  /** The time when it was finished, in milliseconds since 1970. */
  readonly modified: number;
}

const LIMIT = 64 * 1024;

/** Reads the entry of a blob, or `undefined`. */
export async function loadEntry(
  bucket: ObjectBucket,
  digest: Hash,
  options: AbortOptions = {},
): Promise<BlobEntry | undefined> {
  const key = entryKey(digest);
  const content = await bucket.read(key, options);
  if (!content) return undefined;
  const bytes = await readAll(content.body, { limit: LIMIT, what: key, ...options });
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new StoreError(`${key} is not an entry of a blob`, { cause, hint: "remove that object" });
  }
}

/** Writes the entry of a blob, over an existing one only with `replace`; returns whether it was written. */
export async function saveEntry(
  bucket: ObjectBucket,
  digest: Hash,
  { replace, ...entry }: BlobEntry & { replace: boolean },
): Promise<boolean> {
  return await bucket.put(entryKey(digest), jsonBytes(entry), replace ? {} : { onlyIf: "absent" }) !== undefined;
}

/** Returns the key of the entry of a blob. */
export function entryKey(digest: Hash): string {
  return `blobs/${hashAlgorithm(parseHash(digest))}/${hashHexDigits(digest)}`;
}
