import type { AbortOptions } from "../../../io/mod.ts";
import type { Bytes, ByteStream } from "../../../runtime/mod.ts";
import { type Hash, parseHash } from "../../../spec/mod.ts";
import { ObjectBlobs } from "./object_blobs.ts";
import type { ObjectBucket } from "./object_bucket.ts";
import { ObjectRecords } from "./object_records.ts";
import { ObjectUploads } from "./object_uploads.ts";
import type {
  RegistryStore,
  StoreAppendOptions,
  StoredBlob,
  StoredUpload,
  StoreFinishOptions,
  StoreListOptions,
  StorePutOptions,
} from "../store.ts";

/** A store in a bucket. */
export interface BucketStore extends RegistryStore {
  /**
   * Tries whether the bucket heeds conditions of writes (`If-Match`, `If-None-Match`) and leaves nothing there. Where it
   * does not, two servers that are sent one upload at once do not notice one another, and only its digest shows that its
   * bytes are wrong: one server alone should work on such a bucket.
   *
   * @throws {StoreError} when the bucket can't be written to.
   */
  heedsConditions(options?: AbortOptions): Promise<boolean>;
}

/**
 * A store in a bucket of objects: records under `records/`, the bytes of blobs under `data/`, what they are the bytes of
 * under `blobs/`, and the states of uploads under `uploads/`.
 */
export function objectStore(bucket: ObjectBucket): BucketStore {
  return new ObjectStore(bucket);
}

class ObjectStore implements BucketStore {
  readonly #bucket: ObjectBucket;
  readonly #records: ObjectRecords;
  readonly #blobs: ObjectBlobs;
  readonly #uploads: ObjectUploads;

  constructor(bucket: ObjectBucket) {
    this.#bucket = bucket;
    this.#records = new ObjectRecords(bucket);
    this.#blobs = new ObjectBlobs(bucket);
    this.#uploads = new ObjectUploads(bucket, this.#blobs);
  }

  async heedsConditions(options: AbortOptions = {}): Promise<boolean> {
    const key = `probes/${crypto.randomUUID()}`;
    const put = (value: string, onlyIf?: string) =>
      this.#bucket.put(key, new TextEncoder().encode(value), { ...options, onlyIf });
    try {
      const first = await put("first", "absent");
      const second = await put("second", first);
      const refused = [await put("third", first), await put("third", "absent")];
      return second !== undefined && refused.every((etag) => etag === undefined);
    } finally {
      await this.#bucket.delete(key);
    }
  }

  async get(key: string, options: AbortOptions = {}): Promise<Bytes | undefined> {
    options.signal?.throwIfAborted();
    return await this.#records.get(key, options);
  }

  async put(key: string, value: Bytes, { signal }: StorePutOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    await this.#records.put(key, value, { signal });
  }

  async delete(key: string, options: AbortOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    return await this.#records.delete(key, options);
  }

  async list(path: string, options: StoreListOptions = {}): Promise<string[]> {
    options.signal?.throwIfAborted();
    return await this.#records.list(path, options);
  }

  async blob(digest: Hash, options: AbortOptions = {}): Promise<StoredBlob | undefined> {
    options.signal?.throwIfAborted();
    const entry = await this.#blobs.entry(digest, options);
    return entry && this.#blobs.blob(digest, entry);
  }

  async *blobs(options: AbortOptions = {}): AsyncGenerator<Hash, void, undefined> {
    options.signal?.throwIfAborted();
    yield* this.#blobs.digests(options);
  }

  async deleteBlob(digest: Hash, options: AbortOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    return await this.#uploads.deleteBlob(parseHash(digest), options);
  }

  async *uploads(options: AbortOptions = {}): AsyncGenerator<StoredUpload, void, undefined> {
    options.signal?.throwIfAborted();
    yield* this.#uploads.list(options);
  }

  async uploadSize(id: string, options: AbortOptions = {}): Promise<number> {
    options.signal?.throwIfAborted();
    return await this.#uploads.size(id, options);
  }

  appendUpload(id: string, body: ByteStream, options?: StoreAppendOptions): Promise<number> {
    return this.#uploads.append(id, body, options);
  }

  finishUpload(id: string, digest: Hash, options?: StoreFinishOptions): Promise<number> {
    return this.#uploads.finish(id, digest, options);
  }

  cancelUpload(id: string, options?: AbortOptions): Promise<void> {
    return this.#uploads.cancel(id, options);
  }
}
