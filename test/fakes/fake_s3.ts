import { createHash } from "node:crypto";
import { type S3Keys, signatureProblem } from "./s3_signature.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Options of a {@linkcode FakeS3}. */
export interface FakeS3Options {
  /**
   * Whether writes heed `If-Match` and `If-None-Match`, do as if they were not there, or fail with 501.
   * @default "heeded"
   */
  conditions?: "heeded" | "ignored" | "refused";
  /**
   * What a request is answered with instead of being done, if anything; a thrown error is one of the network.
   * @default nothing
   */
  instead?: (request: Request) => Response | undefined | Promise<Response | undefined>;
}

interface StoredObject {
  readonly bytes: Bytes;
  readonly etag: string;
  readonly modified: Date;
}

interface Parts {
  readonly key: string;
  readonly parts: Map<number, StoredObject>;
}

const SMALLEST_PART = 5 * 1024 * 1024;

/** S3 in memory with one bucket, `images`, which is as strict as the real one with authorised requests. */
export class FakeS3 {
  readonly keys: S3Keys & { endpoint: string; bucket: string } = {
    endpoint: "http://s3.example.com",
    bucket: "images",
    region: "eu-north-1",
    accessKeyId: "AKIAFAKE",
    secretAccessKey: "fake/secret+key",
  };
  /** The objects by their keys. */
  readonly objects: Map<string, StoredObject> = new Map();
  /** What is begun in parts and not over. */
  readonly unfinished: Map<string, Parts> = new Map();
  /** What was asked: method, key and query. */
  readonly asked: string[] = [];
  readonly #options: FakeS3Options;
  #count = 0;

  constructor(options: FakeS3Options = {}) {
    this.#options = options;
  }

  /** Answers a request. */
  readonly fetch = async (input: string | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    init?.signal?.throwIfAborted();
    const url = new URL(request.url);
    this.asked.push(`${request.method} ${url.pathname}${url.search}`);
    const instead = await this.#options.instead?.(request);
    if (instead) return instead;
    const problem = signatureProblem(request, this.keys);
    if (problem) return failure(403, problem);
    const [bucket, ...rest] = url.pathname.slice(1).split("/");
    if (bucket !== this.keys.bucket) return failure(404, "NoSuchBucket");
    const body = new Uint8Array(await request.arrayBuffer());
    if (request.method === "PUT" && request.headers.get("Content-Length") === "chunked") {
      return failure(411, "MissingContentLength");
    }
    const response = this.#answer(request, { key: rest.join("/"), query: url.searchParams, body });
    return request.method === "HEAD" ? new Response(null, response) : response;
  };

  #answer(request: Request, { key, query, body }: { key: string; query: URLSearchParams; body: Bytes }): Response {
    const uploadId = query.get("uploadId");
    switch (request.method) {
      case "GET":
        return key === "" ? this.#list(query) : this.#get(request, key);
      case "HEAD":
        return this.#get(request, key);
      case "POST":
        if (query.has("delete")) return this.#deleteMany(request, body);
        return uploadId === null ? this.#begin(key) : this.#complete(key, uploadId, new TextDecoder().decode(body));
      case "DELETE":
        if (uploadId === null) this.objects.delete(key);
        else if (!this.unfinished.delete(uploadId)) return failure(404, "NoSuchUpload");
        return new Response(null, { status: 204 });
      default:
        return uploadId === null ? this.#put(request, key, body) : this.#putPart(uploadId, query, body);
    }
  }

  #get(request: Request, key: string): Response {
    const object = this.objects.get(key);
    if (!object) return failure(404, "NoSuchKey");
    const headers = { "ETag": object.etag, "Content-Type": "application/octet-stream" };
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("Range") ?? "");
    if (!range) return new Response(object.bytes, { headers });
    const [offset, end] = [Number(range[1]), range[2] === "" ? object.bytes.length : Number(range[2]) + 1];
    if (offset >= object.bytes.length) return failure(416, "InvalidRange");
    return new Response(object.bytes.slice(offset, end), { status: 206, headers });
  }

  #put(request: Request, key: string, body: Bytes): Response {
    const match = request.headers.get("If-Match");
    const noneMatch = request.headers.get("If-None-Match");
    const current = this.objects.get(key);
    const { conditions = "heeded" } = this.#options;
    if (conditions === "refused" && (match ?? noneMatch) !== null) return failure(501, "NotImplemented");
    if (conditions === "heeded") {
      if (noneMatch === "*" && current) return failure(412, "PreconditionFailed");
      if (match !== null && !current) return failure(404, "NoSuchKey");
      if (match !== null && match !== current?.etag) return failure(412, "PreconditionFailed");
    }
    const object = this.#object(body);
    this.objects.set(key, object);
    return new Response(null, { headers: { ETag: object.etag } });
  }

  #begin(key: string): Response {
    const id = `upload-${++this.#count}`;
    this.unfinished.set(id, { key, parts: new Map() });
    return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
  }

  #putPart(id: string, query: URLSearchParams, body: Bytes): Response {
    const upload = this.unfinished.get(id);
    if (!upload) return failure(404, "NoSuchUpload");
    const number = Number(query.get("partNumber"));
    if (!(number >= 1 && number <= 10_000)) return failure(400, "InvalidArgument");
    const part = this.#object(body);
    upload.parts.set(number, part);
    return new Response(null, { headers: { ETag: part.etag } });
  }

  #complete(key: string, id: string, text: string): Response {
    const upload = this.unfinished.get(id);
    if (!upload || upload.key !== key) return failure(404, "NoSuchUpload");
    const named = Array.from(text.matchAll(/<Part><PartNumber>(\d+)<\/PartNumber><ETag>([^<]+)<\/ETag><\/Part>/g));
    const parts = named.map(([, number, etag]) => {
      const part = upload.parts.get(Number(number));
      return part?.etag === etag.replaceAll("&quot;", '"') ? part : undefined;
    });
    if (parts.length === 0 || named.some(([, number], i) => Number(number) <= Number(named[i - 1]?.[1] ?? 0))) {
      return failure(400, "InvalidPartOrder");
    }
    const whole: Bytes[] = [];
    for (const [i, part] of parts.entries()) {
      if (!part) return failure(400, "InvalidPart");
      if (i < parts.length - 1 && part.bytes.length < SMALLEST_PART) return failure(400, "EntityTooSmall");
      whole.push(part.bytes);
    }
    const bytes = new Uint8Array(whole.reduce((sum, part) => sum + part.length, 0));
    whole.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
    this.objects.set(key, this.#object(bytes));
    this.unfinished.delete(id);
    return xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
  }

  /** Removes many objects; S3 wants a checksum of the request. */
  #deleteMany(request: Request, body: Bytes): Response {
    const checksum = createHash("sha256").update(body).digest("base64");
    if (request.headers.get("x-amz-checksum-sha256") !== checksum) return failure(400, "InvalidRequest");
    const keys = Array.from(new TextDecoder().decode(body).matchAll(/<Key>([^<]+)<\/Key>/g), ([, key]) => key);
    if (keys.length === 0 || keys.length > 1000) return failure(400, "MalformedXML");
    for (const key of keys) this.objects.delete(key);
    return xml("<DeleteResult></DeleteResult>");
  }

  #list(query: URLSearchParams): Response {
    if (query.get("list-type") !== "2") return failure(400, "InvalidArgument");
    const [prefix, after, delimiter] = ["prefix", "start-after", "delimiter"].map((name) => query.get(name) ?? "");
    const limit = Math.min(Number(query.get("max-keys") ?? 1000), 1000);
    const entries: string[] = [];
    let isTruncated = false;
    const folders = new Set<string>();
    for (const key of [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()) {
      const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      const folder = end < 0 ? undefined : key.slice(0, end + 1);
      if (folder !== undefined && folders.has(folder)) continue;
      if (entries.length >= limit) {
        isTruncated = true;
        break;
      }
      if (folder !== undefined) {
        folders.add(folder);
        entries.push(`<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`);
      } else {
        const { modified, bytes } = this.objects.get(key)!;
        const time = modified.toISOString().replace(/\.\d+/, ".000");
        const facts = `<LastModified>${time}</LastModified><Size>${bytes.length}</Size>`;
        entries.push(`<Contents><Key>${key}</Key>${facts}</Contents>`);
      }
    }
    return xml(`<ListBucketResult>${entries.join("")}<IsTruncated>${isTruncated}</IsTruncated></ListBucketResult>`);
  }

  #object(bytes: Bytes): StoredObject {
    const etag = `"${createHash("md5").update(bytes).digest("hex")}-${++this.#count}"`;
    return { bytes, etag, modified: new Date() };
  }
}

/** Creates an error response of S3. */
export function failure(status: number, code: string): Response {
  return xml(`<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>that &amp; more</Message></Error>`, status);
}

function xml(text: string, status = 200): Response {
  return new Response(text, { status, headers: { "Content-Type": "application/xml" } });
}
