import { AwsV4Signer } from "aws4fetch";
import { StoreError } from "../../../errors.ts";
import { type AbortOptions, retry } from "../../../io/mod.ts";
import type { Bytes } from "../../../runtime/mod.ts";
import { readFailure } from "./s3_answers.ts";
import type { S3StoreOptions } from "./s3_options.ts";

/** A request to S3. */
export interface S3Request extends AbortOptions {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** The key of an object; empty for the bucket itself. */
  readonly key: string;
  /** The query. */
  readonly query?: Readonly<Record<string, string>>;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body. */
  readonly body?: Bytes;
  /** The statuses, besides 2xx, that are an answer. */
  readonly expected?: readonly number[];
}

const ATTEMPTS = 5;
/** What S3 calls that which is over in a moment. */
const TRANSIENT = new Set(["InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "OperationAborted"]);

/** Sends signed requests to a bucket, and again what failed for a moment's reasons. */
export class S3Client {
  readonly #options: S3StoreOptions;
  readonly #base: string;

  /** Makes it; the options have been checked. */
  constructor(options: S3StoreOptions) {
    const { endpoint, bucket, pathStyle = true } = options;
    const url = new URL(endpoint);
    if (!pathStyle) url.hostname = `${bucket}.${url.hostname}`;
    this.#options = options;
    this.#base = url.href.replace(/\/$/, "") + (pathStyle ? `/${bucket}` : "");
  }

  /** Sends a request and gives an answer whose status is 2xx or expected. */
  async send(request: S3Request): Promise<Response> {
    const { signal, expected = [] } = request;
    const doing = `${VERBS[request.method]} ${request.key || "objects"} in bucket ${this.#options.bucket}`;
    let isTransient: boolean;
    return await retry(
      async () => {
        isTransient = true;
        const response = await this.#fetch(request).catch((cause) => {
          signal?.throwIfAborted();
          throw new StoreError(`can't ${doing}: ${new URL(this.#base).host} does not answer`, {
            cause,
            hint: "check the endpoint and the network",
          });
        });
        if (response.ok || expected.includes(response.status)) return response;
        const { error, code } = await readFailure(doing, response);
        isTransient = response.status >= 500 || response.status === 429 || TRANSIENT.has(code);
        throw error;
      },
      () => isTransient ? {} : false,
      { attempts: ATTEMPTS, signal, ...this.#options.retry },
    );
  }

  async #fetch(request: S3Request): Promise<Response> {
    const { method, key, query = {}, headers = {}, body, signal } = request;
    const { fetch = globalThis.fetch, region, accessKeyId, secretAccessKey, sessionToken } = this.#options;
    const url = new URL(key ? `${this.#base}/${key}` : this.#base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers },
      service: "s3",
      region,
      accessKeyId,
      secretAccessKey,
      sessionToken,
    });
    const signed = await signer.sign();
    // Nothing of the body is signed: it is verified by the digest of the blob, and in transit by TLS.
    return await fetch(signed.url.href, { method, headers: signed.headers, body, signal, redirect: "manual" });
  }
}

const VERBS = { GET: "read", HEAD: "look for", PUT: "write", POST: "write", DELETE: "remove" } as const;
