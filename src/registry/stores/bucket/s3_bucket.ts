import { StoreError } from "../../../errors.ts";
import { type AbortOptions, isHeaderText } from "../../../io/mod.ts";
import type { Bytes } from "../../../runtime/mod.ts";
import type { BucketContent, BucketListOptions, BucketPage, ObjectBucket, PartsUpload } from "./object_bucket.ts";
import { type BucketStore, objectStore } from "./object_store.ts";
import { element, elements, failureOf, textOf } from "./s3_answers.ts";
import { S3Client } from "./s3_client.ts";
import type { S3StoreOptions } from "./s3_options.ts";
import type { BlobRange } from "../store.ts";

const MIB = 1024 * 1024;
const PAGE = 1_000;
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
const PREFIX = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\/)*$/;

/**
 * A store in a bucket of S3 or of a service that speaks as it does. Any number of servers may work on one bucket: all
 * state is in there, uploads too, and each server goes on with what another began.
 *
 * A blob is written once, in parts as it comes, hashed on the way, and never read or copied to finish it. Two parts of
 * each upload at most are in memory. The service must let all see at once what one has written, as S3 does. Where it
 * heeds `If-Match` and `If-None-Match` of writes, two servers that are sent the same upload at once notice: one goes on
 * with it. Elsewhere the digest shows it in the end; {@linkcode BucketStore.heedsConditions} tells the two apart.
 *
 * @throws {TypeError} when the endpoint, the bucket or the prefix can't be one, or no header can carry the keys.
 */
export function s3Store(options: S3StoreOptions): BucketStore {
  const { endpoint, bucket, prefix = "" } = options;
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new TypeError(`the S3 endpoint ${JSON.stringify(endpoint)} is not a URL of http or https`);
  }
  if (!BUCKET.test(bucket)) throw new TypeError(`${JSON.stringify(bucket)} is not the name of an S3 bucket`);
  if (!PREFIX.test(prefix)) {
    throw new TypeError(`the S3 prefix ${JSON.stringify(prefix)} is not of names that each end with a slash`);
  }
  if (![options.accessKeyId, options.sessionToken ?? ""].every(isHeaderText)) {
    throw new TypeError("the access key or the session token for S3 has characters that no header can carry");
  }
  return objectStore(new S3Bucket(options));
}

/** A bucket of S3, or of what speaks as S3 does. */
class S3Bucket implements ObjectBucket {
  readonly #client: S3Client;
  readonly #prefix: string;

  constructor(options: S3StoreOptions) {
    this.#client = new S3Client(options);
    this.#prefix = options.prefix ?? "";
  }

  /** Parts grow, as there may be 10,000: the first thousand have 8 MiB, each further one twice as much as before. */
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
      throw new StoreError(`the service gives all of ${key} when asked for a part`, {
        hint: "the service must heed Range",
      });
    }
    return { body: this.#client.body(response, key), etag: response.headers.get("ETag") ?? "" };
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
      if (code === "NoSuchKey" && onlyIf !== undefined) return undefined; // it was to have an etag
      throw error;
    }
    if (response.status === 501) { // there are no conditions here
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
    if (!id) throw new StoreError(`the service begins ${key} in parts and does not say what it calls them`);
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
    throw new StoreError(`the service takes a part of ${upload.key} and does not say its ETag`);
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
    const text = await textOf(response); // S3 says 200 before it knows
    if (response.ok && !text.includes("<Error>")) return;
    // An earlier try may have done it, though its answer was lost.
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

  /** Tells a missing object from a missing bucket. */
  async #checkBucket(key: string, response: Response): Promise<void> {
    const { error, code } = failureOf(`read ${key}`, 404, await textOf(response));
    if (code === "NoSuchBucket") throw error;
  }
}
