import { StoreError } from "../../../errors.ts";
import { type AbortOptions, readAll } from "../../../io/mod.ts";
import { jsonBytes } from "../../../spec/internal.ts";
import { type Hash, hashAlgorithm, hashHexDigits, parseHash } from "../../../spec/mod.ts";
import type { ObjectBucket } from "./object_bucket.ts";

/**
 * What a bucket notes of a blob, under its digest. An object can't be renamed and a digest is known only at the end, so
 * the bytes are in an object of any name, and the entry says in which.
 */
export interface BlobEntry {
  /** The key of the object with its bytes. */
  readonly object: string;
  /** The number of its bytes. */
  readonly size: number;
  /** When it was finished, in milliseconds since 1970. */
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

/** Writes the entry of a blob; whether it did: not where there is one, unless it is to be replaced. */
export async function saveEntry(
  bucket: ObjectBucket,
  digest: Hash,
  { replace, ...entry }: BlobEntry & { replace: boolean },
): Promise<boolean> {
  return await bucket.put(entryKey(digest), jsonBytes(entry), replace ? {} : { onlyIf: "absent" }) !== undefined;
}

/** The key of the entry of a blob. */
export function entryKey(digest: Hash): string {
  return `blobs/${hashAlgorithm(parseHash(digest))}/${hashHexDigits(digest)}`;
}
