import { encodeBase64 } from "@std/encoding/base64";
import { StoreError } from "../../../errors.ts";
import { type AbortOptions, mapConcurrent } from "../../../io/mod.ts";
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
import { element, elements, failureOf, textOf } from "./s3_answers.ts";
import { S3Client } from "./s3_client.ts";
import { checkS3Options, type S3StoreOptions } from "./s3_options.ts";
import type { BlobRange } from "../store.ts";

const MIB = 1024 * 1024;
const PAGE = 1_000;
/** The number of objects that are removed at the same time where the service removes one by one. */
const CONCURRENCY = 64;

/**
 * Makes a store in a bucket of S3 or a compatible service. Any number of servers may use one bucket: all state is in the
 * bucket, and each server continues the uploads of another.
 *
 * A blob is written once, in parts as it comes, hashed on the way, and never read or copied to finish it. At most two
 * parts of each upload are in memory. The service must be strongly consistent, as S3 is. If it honours `If-Match` and
 * `If-None-Match` of writes, two servers that get the same upload at once detect it, and one of them continues. If not,
 * the digest reveals the wrong bytes in the end; {@linkcode BucketStore.heedsConditions} tests which is the case.
 *
 * Without `accessKeyId` and `credentials` the keys are found as AWS's tools find them, on the first request, and renewed
 * before they expire.
 *
 * @throws {TypeError} if the endpoint, the bucket, the prefix or a key is malformed.
 */
export function s3Store(options: S3StoreOptions): BucketStore {
  checkS3Options(options);
  return objectStore(new S3Bucket(options));
}

/** A bucket of S3 or a compatible service. */
class S3Bucket implements ObjectBucket {
  readonly #client: S3Client;
  readonly #prefix: string;
  /** Whether the service has refused to remove several objects by one request. */
  #lacksDeleteMany = false;

  constructor(options: S3StoreOptions) {
    this.#client = new S3Client(options);
    this.#prefix = options.prefix ?? "";
  }

  /** Returns the size of a part. As there may be 10,000 parts, the size starts at 8 MiB and doubles after each thousand. */
  partSize(number: number): number {
    return 8 * MIB * 2 ** Math.floor((number - 1) / 1_000);
  }

  async read(key: string, options: BlobRange & AbortOptions = {}): Promise<BucketContent | undefined> {
    const { offset = 0, length, signal } = options;
    const isPart = offset > 0 || length !== undefined;
    const last = length === undefined ? "" : String(offset + length - 1);
    const headers: Record<string, string> = isPart ? { "Range": `bytes=${offset}-${last}` } : {};
    const response = await this.#client.send({
      method: "GET",
      key: this.#prefix + key,
      headers: { "Accept-Encoding": "identity", ...headers },
      expected: [404],
      signal,
    });
    if (response.status === 404) {
      await this.#checkBucket(key, response);
      return undefined;
    }
    if (isPart && response.status !== 206) {
      await response.body?.cancel();
      throw new StoreError(`the service answers a request for a part of ${key} with all of it`, {
        hint: "the service must honour Range",
      });
    }
    return { body: this.#client.body(response, key), etag: response.headers.get("ETag") ?? "" };
  }

  async signedUrl(key: string, options: AbortOptions = {}): Promise<string> {
    return await this.#client.signedUrl(this.#prefix + key, options);
  }

  async has(key: string, { signal }: AbortOptions = {}): Promise<boolean> {
    const response = await this.#client.send({ method: "HEAD", key: this.#prefix + key, expected: [404], signal });
    await response.body?.cancel();
    return response.ok;
  }

  async put(
    key: string,
    bytes: Bytes,
    { onlyIf, signal }: AbortOptions & { onlyIf?: string } = {},
  ): Promise<string | undefined> {
    const condition: Record<string, string> = onlyIf === undefined
      ? {}
      : onlyIf === "absent"
      ? { "If-None-Match": "*" }
      : { "If-Match": onlyIf };
    const send = (headers: Record<string, string>, expected: number[]) =>
      this.#client.send({
        method: "PUT",
        key: this.#prefix + key,
        headers: { "Content-Type": "application/octet-stream", ...headers },
        body: bytes,
        expected,
        signal,
      });
    let response = await send(condition, [404, 409, 412, 501]);
    if (response.status === 404) {
      const { error, code } = failureOf(`write ${key}`, 404, await textOf(response));
      if (code === "NoSuchKey" && onlyIf !== undefined) return undefined; // the object should have had an etag
      throw error;
    }
    if (response.status === 501) { // the service has no conditional writes
      await response.body?.cancel();
      response = await send({}, []);
    }
    await response.body?.cancel();
    return response.ok ? response.headers.get("ETag") ?? "" : undefined;
  }

  async delete(key: string, { signal }: AbortOptions = {}): Promise<void> {
    const response = await this.#client.send({ method: "DELETE", key: this.#prefix + key, expected: [404], signal });
    await response.body?.cancel();
  }

  async deleteMany(keys: readonly string[], { signal }: AbortOptions = {}): Promise<void> {
    for (const batch of deleteBatches(keys)) {
      if (batch.length > 1 && !this.#lacksDeleteMany && await this.#deleteBatch(batch, signal)) continue;
      await mapConcurrent(batch, { concurrency: CONCURRENCY, signal }, (key, signal) => this.delete(key, { signal }));
    }
  }

  /** Removes objects by one request; returns whether the service can. */
  async #deleteBatch(keys: readonly string[], signal: AbortSignal | undefined): Promise<boolean> {
    const objects = keys.map((key) => `<Object><Key>${this.#prefix}${key}</Key></Object>`).join("");
    const body = new TextEncoder().encode(`<Delete>${objects}<Quiet>true</Quiet></Delete>`);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
    const response = await this.#client.send({
      method: "POST",
      key: "",
      query: { delete: "" },
      headers: { "Content-Type": "application/xml", "x-amz-checksum-sha256": encodeBase64(hash) }, // S3 requires a checksum
      body,
      expected: [400, 405, 411, 501],
      signal,
    });
    const text = await textOf(response);
    if (!response.ok) {
      this.#lacksDeleteMany = true;
      return false;
    }
    const [failed] = elements(text, "Error");
    if (failed === undefined) return true;
    throw failureOf(`remove ${element(failed, "Key")}`, response.status, failed).error;
  }

  async list(prefix: string, options: BucketListOptions = {}): Promise<BucketPage> {
    const { after, limit = PAGE, folders = false, signal } = options;
    const response = await this.#client.send({
      method: "GET",
      key: "",
      query: {
        "list-type": "2",
        "prefix": this.#prefix + prefix,
        "max-keys": String(Math.min(limit, PAGE)),
        ...(folders && { delimiter: "/" }),
        ...(after !== undefined && { "start-after": this.#prefix + after }),
      },
      signal,
    });
    const xml = await textOf(response);
    const ownKey = (key: string | undefined) => (key ?? "").slice(this.#prefix.length);
    return {
      objects: elements(xml, "Contents").map((item) => ({
        key: ownKey(element(item, "Key")),
        size: Number(element(item, "Size")),
        modified: Date.parse(element(item, "LastModified") ?? ""),
      })),
      folders: elements(xml, "CommonPrefixes").map((item) => ownKey(element(item, "Prefix"))),
      hasMore: element(xml, "IsTruncated") === "true",
    };
  }

  async startParts(key: string, { signal }: AbortOptions = {}): Promise<PartsUpload> {
    const response = await this.#client.send({
      method: "POST",
      key: this.#prefix + key,
      query: { uploads: "" },
      headers: { "Content-Type": "application/octet-stream" },
      signal,
    });
    const id = element(await textOf(response), "UploadId");
    if (!id) throw new StoreError(`the service's answer to the start of ${key} in parts has no UploadId`);
    return { key, id };
  }

  async putPart(
    upload: PartsUpload,
    part: { number: number; bytes: Bytes },
    { signal }: AbortOptions = {},
  ): Promise<string> {
    const response = await this.#client.send({
      method: "PUT",
      key: this.#prefix + upload.key,
      query: { partNumber: String(part.number), uploadId: upload.id },
      body: part.bytes,
      signal,
    });
    await response.body?.cancel();
    const etag = response.headers.get("ETag");
    if (etag) return etag;
    throw new StoreError(`the service's answer to a part of ${upload.key} has no ETag`);
  }

  async finishParts(upload: PartsUpload, etags: readonly string[], { signal }: AbortOptions = {}): Promise<void> {
    const parts = etags.map((etag, i) =>
      etag && `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag.replaceAll('"', "&quot;")}</ETag></Part>`
    );
    const response = await this.#client.send({
      method: "POST",
      key: this.#prefix + upload.key,
      query: { uploadId: upload.id },
      headers: { "Content-Type": "application/xml" },
      body: new TextEncoder().encode(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`),
      expected: [404],
      signal,
    });
    const text = await textOf(response); // S3 may answer 200 and then fail in the body
    if (response.ok && !text.includes("<Error>")) return;
    // An earlier try may have succeeded although its answer was lost.
    if (response.status === 404 && await this.has(upload.key, { signal })) return;
    throw failureOf(`finish ${upload.key}`, response.status, text).error;
  }

  async dropParts(upload: PartsUpload, { signal }: AbortOptions = {}): Promise<void> {
    const response = await this.#client.send({
      method: "DELETE",
      key: this.#prefix + upload.key,
      query: { uploadId: upload.id },
      expected: [404],
      signal,
    });
    await response.body?.cancel();
  }

  /** Throws if the bucket is missing, and not only the object. */
  async #checkBucket(key: string, response: Response): Promise<void> {
    const { error, code } = failureOf(`read ${key}`, 404, await textOf(response));
    if (code === "NoSuchBucket") throw error;
  }
}
