import { GcraneError, StoreError } from "../../../errors.ts";
import { type AbortOptions, retry } from "../../../io/mod.ts";
import type { Bytes } from "../../../runtime/mod.ts";
import {
  type BucketContent,
  type BucketListOptions,
  type BucketPage,
  deleteBatches,
  type ObjectBucket,
  type PartsUpload,
} from "./object_bucket.ts";
import { type BucketStore, objectStore } from "./object_store.ts";
import type { R2BucketLike } from "./r2_binding.ts";
import { S3Client } from "./s3_client.ts";
import { checkS3Options, type S3StoreOptions } from "./s3_options.ts";
import type { BlobRange } from "../store.ts";

/** The size of parts: R2 requires one size of all parts but the last. */
const PART_SIZE = 8 * 1024 * 1024;
const PAGE = 1_000;

/** Options of {@linkcode r2Store}. */
export interface R2StoreOptions {
  /**
   * The same bucket by R2's API of S3, with an access key that may read it: it signs URLs, which the binding can't.
   * @default none: clients get all bytes from the Worker
   */
  readonly signedUrls?: Pick<S3StoreOptions, "endpoint" | "bucket" | "accessKeyId" | "secretAccessKey">;
}

/**
 * Makes a store in an R2 bucket that is bound to a Worker. All state is in the bucket, so that any instance of the Worker
 * continues the uploads of another. A blob is written once, in parts of 8 MiB as it comes, of which R2 allows 10,000. At
 * most two parts of each upload are in memory.
 *
 * @throws {TypeError} if `signedUrls` is malformed.
 */
export function r2Store(bucket: R2BucketLike, options: R2StoreOptions = {}): BucketStore {
  return objectStore(new R2ObjectBucket(bucket, options));
}

/** An R2 bucket that is bound to a Worker. */
class R2ObjectBucket implements ObjectBucket {
  readonly #bucket: R2BucketLike;
  readonly signedUrl?: ObjectBucket["signedUrl"];

  constructor(bucket: R2BucketLike, { signedUrls }: R2StoreOptions) {
    this.#bucket = bucket;
    if (!signedUrls) return;
    const options = { region: "auto", ...signedUrls };
    checkS3Options(options);
    const client = new S3Client(options);
    this.signedUrl = (key, options) => client.signedUrl(key, options);
  }

  partSize(): number {
    return PART_SIZE;
  }

  read(key: string, options: BlobRange & AbortOptions = {}): Promise<BucketContent | undefined> {
    const { offset = 0, length, signal } = options;
    const range = offset > 0 || length !== undefined ? { range: { offset, ...(length && { length }) } } : {};
    return this.#ask(`read ${key}`, signal, async () => {
      const object = await this.#bucket.get(key, range);
      return object ? { body: object.body, etag: object.etag } : undefined;
    });
  }

  has(key: string, { signal }: AbortOptions = {}): Promise<boolean> {
    return this.#ask(`look for ${key}`, signal, async () => await this.#bucket.head(key) !== null);
  }

  put(
    key: string,
    bytes: Bytes,
    { onlyIf, signal }: AbortOptions & { onlyIf?: string } = {},
  ): Promise<string | undefined> {
    const condition = onlyIf === "absent" ? { etagDoesNotMatch: "*" } : { etagMatches: onlyIf };
    return this.#ask(`write ${key}`, signal, async () => {
      const object = await this.#bucket.put(key, bytes, onlyIf === undefined ? {} : { onlyIf: condition });
      return object?.etag;
    });
  }

  delete(key: string, { signal }: AbortOptions = {}): Promise<void> {
    return this.#ask(`remove ${key}`, signal, () => this.#bucket.delete(key));
  }

  async deleteMany(keys: readonly string[], { signal }: AbortOptions = {}): Promise<void> {
    for (const batch of deleteBatches(keys)) {
      await this.#ask(`remove ${batch[0]} and others`, signal, () => this.#bucket.delete(batch));
    }
  }

  list(prefix: string, options: BucketListOptions = {}): Promise<BucketPage> {
    const { after, limit = PAGE, folders = false, signal } = options;
    return this.#ask(`list ${prefix}`, signal, async () => {
      const page = await this.#bucket.list({
        prefix,
        limit: Math.min(limit, PAGE),
        ...(after !== undefined && { startAfter: after }),
        ...(folders && { delimiter: "/" }),
      });
      return {
        objects: page.objects.map(({ key, size, uploaded }) => ({ key, size, modified: uploaded.getTime() })),
        folders: page.delimitedPrefixes,
        hasMore: page.truncated,
      };
    });
  }

  startParts(key: string, { signal }: AbortOptions = {}): Promise<PartsUpload> {
    return this.#ask(`begin ${key}`, signal, async () => {
      const { uploadId } = await this.#bucket.createMultipartUpload(key);
      return { key, id: uploadId };
    });
  }

  putPart(
    { key, id }: PartsUpload,
    { number, bytes }: { number: number; bytes: Bytes },
    { signal }: AbortOptions = {},
  ): Promise<string> {
    return this.#ask(`write a part of ${key}`, signal, async () => {
      return (await this.#bucket.resumeMultipartUpload(key, id).uploadPart(number, bytes)).etag;
    });
  }

  finishParts({ key, id }: PartsUpload, etags: readonly string[], { signal }: AbortOptions = {}): Promise<void> {
    const parts = etags.map((etag, i) => ({ partNumber: i + 1, etag })).filter(({ etag }) => etag !== "");
    return this.#ask(`finish ${key}`, signal, async (attempt) => {
      try {
        await this.#bucket.resumeMultipartUpload(key, id).complete(parts);
      } catch (error) {
        // An earlier try may have succeeded although its answer was lost.
        if (attempt === 1 || await this.#bucket.head(key) === null) throw error;
      }
    });
  }

  async dropParts({ key, id }: PartsUpload): Promise<void> {
    await this.#bucket.resumeMultipartUpload(key, id).abort().catch(() => {}); // R2 fails the same way if they are gone already
  }

  /** Calls the binding. R2 does not report which failures are transient, so each call is tried three times. */
  async #ask<T>(doing: string, signal: AbortSignal | undefined, work: (attempt: number) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    try {
      return await retry(work, () => ({}), { attempts: 3, delayMs: 100, signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof GcraneError) throw error;
      throw new StoreError(`can't ${doing}: R2 answers: ${(error as Error).message}`, { cause: error });
    }
  }
}
