import { DigestMismatchError, StoreError } from "../../../errors.ts";
import { type AbortOptions, readAll } from "../../../io/mod.ts";
import { type ByteStream, streamingHash } from "../../../runtime/mod.ts";
import { type Hash, hashAlgorithm, hashHexDigits, isHash, jsonBytes, parseHash } from "../../../spec/mod.ts";
import { heldBack } from "../held_back.ts";
import { eachObject, type ObjectBucket } from "./object_bucket.ts";
import type { BlobRange, StoredBlob } from "../store.ts";

/** What a bucket notes of a blob, under its digest. */
export interface BlobEntry {
  /** The key of the object with its bytes. */
  readonly object: string;
  /** The number of its bytes. */
  readonly size: number;
  /** When it was finished, in milliseconds since 1970. */
  readonly modified: number;
}

const ENTRY_LIMIT = 64 * 1024;

/**
 * The blobs of an object store. An object can't be renamed and a digest is known only at the end, so the bytes are in an
 * object of any name, and an entry under the digest says in which.
 */
export class ObjectBlobs {
  readonly #bucket: ObjectBucket;

  /** Makes it over a bucket. */
  constructor(bucket: ObjectBucket) {
    this.#bucket = bucket;
  }

  /** The entry of a blob, or `undefined`. */
  async entry(digest: Hash, options: AbortOptions = {}): Promise<BlobEntry | undefined> {
    const key = entryKey(digest);
    const content = await this.#bucket.read(key, options);
    if (!content) return undefined;
    const bytes = await readAll(content.body, { limit: ENTRY_LIMIT, what: key, ...options });
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new StoreError(`${key} is not an entry of a blob`, { cause, hint: "remove that object" });
    }
  }

  /** Writes the entry of a blob; whether it did: not where there is one, unless it is to be replaced. */
  async enter(digest: Hash, entry: BlobEntry, options: AbortOptions & { replace?: boolean } = {}): Promise<boolean> {
    const { replace = false, signal } = options;
    const condition = replace ? {} : { onlyIf: "absent" };
    return await this.#bucket.put(entryKey(digest), jsonBytes(entry), { ...condition, signal }) !== undefined;
  }

  /** Removes the entry of a blob. */
  async remove(digest: Hash): Promise<void> {
    await this.#bucket.delete(entryKey(digest));
  }

  /** The digests of all blobs. */
  async *digests(options: AbortOptions = {}): AsyncGenerator<Hash, void, undefined> {
    for await (const { key } of eachObject(this.#bucket, "blobs/", options)) {
      const digest = key.slice("blobs/".length).replace("/", ":");
      if (isHash(digest)) yield digest;
    }
  }

  /** The blob that an entry is of. Whoever reads all of it gets no end unless the bytes are those of the digest. */
  blob(digest: Hash, { object, size, modified }: BlobEntry): StoredBlob {
    return {
      size,
      modified,
      read: async (range: BlobRange & AbortOptions = {}) => {
        const { offset = 0, length = size - offset, signal } = range;
        if (size === 0) return new Blob([]).stream();
        const content = await this.#bucket.read(object, { offset, length: Math.min(length, size - offset), signal });
        if (!content) {
          throw new StoreError(`${object} is missing, which holds ${digest}`, { hint: "push the blob again" });
        }
        return offset === 0 && length >= size ? verified(content.body, { digest, object, size }) : content.body;
      },
    };
  }
}

function verified(body: ByteStream, expected: { digest: Hash; object: string; size: number }): ByteStream {
  const { digest, object, size } = expected;
  const algorithm = hashAlgorithm(digest);
  const hash = streamingHash(algorithm);
  let seen = 0;
  return heldBack(body, {
    async chunk(bytes) {
      seen += bytes.length;
      (await hash).update(bytes);
    },
    async end() {
      if (seen !== size) { // a hash of other bytes says nothing of the object
        throw new StoreError(`${seen} bytes came of ${object}, which has ${size}`, {
          hint: "if that stays so, remove that object, and push the blob again",
        });
      }
      const actual: Hash = `${algorithm}:${await (await hash).hex()}`;
      if (actual === digest) return;
      throw new DigestMismatchError(`${object} has the digest ${actual} instead of ${digest}`, {
        hint: "remove that object, and push the blob again",
      });
    },
  });
}

function entryKey(digest: Hash): string {
  return `blobs/${hashAlgorithm(parseHash(digest))}/${hashHexDigits(digest)}`;
}
