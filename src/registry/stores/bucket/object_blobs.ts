import { DigestMismatchError, StoreError } from "../../../errors.ts";
import { type AbortOptions, mapConcurrent } from "../../../io/mod.ts";
import { type ByteStream, streamingHash } from "../../../runtime/mod.ts";
import { type Hash, hashAlgorithm, isHash } from "../../../spec/mod.ts";
import { heldBack } from "../held_back.ts";
import type { BlobListOptions, BlobRange, BlobStore, StoredBlob, StoreUsage } from "../store.ts";
import { entryKey, loadEntry } from "./blob_entry.ts";
import { eachObject, type ObjectBucket } from "./object_bucket.ts";
import { DATA, emptyState, saveState, stateKey } from "./upload_state.ts";

/** The number of entries that are read at the same time. */
const CONCURRENCY = 64;

/** The blobs of an object store: entries under their digests, which name the objects with the bytes. */
export class ObjectBlobs implements BlobStore {
  readonly #bucket: ObjectBucket;

  /** Makes the blobs of a bucket. */
  constructor(bucket: ObjectBucket) {
    this.#bucket = bucket;
  }

  /** @inheritdoc A read of the whole blob fails before its end if the bytes have another digest. */
  async get(digest: Hash, options: AbortOptions = {}): Promise<StoredBlob | undefined> {
    const entry = await loadEntry(this.#bucket, digest, options);
    if (!entry) return undefined;
    const { object, size, modified } = entry;
    const bucket = this.#bucket;
    return {
      size,
      modified,
      ...(bucket.signedUrl && size > 0 && { url: (options: AbortOptions = {}) => bucket.signedUrl!(object, options) }),
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

  /** @inheritdoc */
  async *list({ prefix, signal }: BlobListOptions = {}): AsyncGenerator<Hash, void, undefined> {
    const path = prefix ? `blobs/${prefix.algorithm}/${prefix.digits}` : "blobs/";
    for await (const { key } of eachObject(this.#bucket, path, { signal })) {
      const digest = key.slice("blobs/".length).replace("/", ":");
      if (isHash(digest)) yield digest;
    }
  }

  /** @inheritdoc An empty blob has no object with bytes and is not counted; uploads that are being finished are. */
  async usage(options: AbortOptions = {}): Promise<StoreUsage> {
    const usage = { blobs: 0, bytes: 0 };
    for await (const { size } of eachObject(this.#bucket, DATA, options)) {
      usage.blobs++;
      usage.bytes += size;
    }
    return usage;
  }

  /** @inheritdoc */
  async delete(digest: Hash, options: AbortOptions = {}): Promise<boolean> {
    return (await this.deleteMany([digest], options)).length > 0;
  }

  /** @inheritdoc The states of uploads name the objects before the entries are removed, so that no object is left over. */
  async deleteMany(digests: readonly Hash[], options: AbortOptions = {}): Promise<Hash[]> {
    const found = await mapConcurrent(digests, { concurrency: CONCURRENCY, ...options }, async (digest, signal) => {
      const entry = await loadEntry(this.#bucket, digest, { signal });
      if (!entry) return [];
      const key = stateKey(crypto.randomUUID());
      const { state, ...others } = await emptyState(hashAlgorithm(digest));
      await saveState(this.#bucket, key, { ...others, state: { ...state, object: entry.object, digest } });
      return [{ digest, object: entry.object, key }];
    });
    const dropped = found.flat();
    await this.#bucket.deleteMany(dropped.map(({ digest }) => entryKey(digest)));
    await this.#bucket.deleteMany(dropped.map(({ object }) => object));
    await this.#bucket.deleteMany(dropped.map(({ key }) => key));
    return dropped.map(({ digest }) => digest);
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
      if (seen !== size) { // the hash of other bytes is no evidence about the object
        throw new StoreError(`${object} gave ${seen} bytes instead of ${size}`, {
          hint: "if it happens again, remove that object and push the blob again",
        });
      }
      const actual: Hash = `${algorithm}:${await (await hash).hex()}`;
      if (actual === digest) return;
      throw new DigestMismatchError(`${object} has the digest ${actual} instead of ${digest}`, {
        hint: "remove that object and push the blob again",
      });
    },
  });
}
