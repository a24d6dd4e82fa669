import { AwsV4Signer } from "aws4fetch";
import { awsKeys } from "../../../authn/aws/internal.ts";
import type { AwsCredentials } from "../../../authn/ecr/mod.ts";
import { GcraneError, StoreError } from "../../../errors.ts";
import {
  ask,
  BodyReader,
  fetchFor,
  type HttpRequest,
  redactedCause,
  type Timeouts,
  timeoutsOf,
} from "../../../http/mod.ts";
import { type AbortOptions, isHeaderText } from "../../../io/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../../../runtime/mod.ts";
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
  /** The statuses besides 2xx that are not failures. */
  readonly expected?: readonly number[];
}

const ATTEMPTS = 5;
/** For how many seconds a signed URL is valid. Clients follow it at once, but their clocks and S3's differ. */
const URL_SECONDS = 300;
/** The error codes of S3 for transient failures. */
const TRANSIENT = new Set(["InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "OperationAborted"]);

/** Sends signed requests to a bucket, and repeats them after transient failures. */
export class S3Client {
  readonly #options: S3StoreOptions;
  readonly #timeouts: Required<Timeouts>;
  readonly #base: string;
  readonly #keys: (options?: AbortOptions) => Promise<AwsCredentials>;

  /** Makes a client from checked options. */
  constructor(options: S3StoreOptions) {
    const { endpoint, bucket, pathStyle = true, accessKeyId, secretAccessKey, sessionToken } = options;
    const url = new URL(endpoint);
    if (!pathStyle) url.hostname = `${bucket}.${url.hostname}`;
    this.#options = options;
    this.#keys = accessKeyId !== undefined && secretAccessKey !== undefined
      ? () => Promise.resolve({ accessKeyId, secretAccessKey, sessionToken })
      : options.credentials ?? awsKeys(options);
    this.#timeouts = timeoutsOf(options.timeouts);
    this.#base = url.href.replace(/\/$/, "") + (pathStyle ? `/${bucket}` : "");
  }

  /** Sends a request and returns an answer whose status is 2xx or expected. */
  async send(request: S3Request): Promise<Response> {
    const { method, signal, expected = [] } = request;
    const doing = `${VERBS[method]} ${request.key || "objects"} in bucket ${this.#options.bucket}`;
    const { fetch = fetchFor(), retry } = this.#options;
    let isTransient = true;
    const signed = async () => {
      isTransient = false;
      const httpRequest = await this.#signed(request, doing);
      isTransient = true;
      return httpRequest;
    };
    return await ask(signed, {
      fetch,
      signal,
      limitMs: method === "GET" || method === "HEAD" ? this.#timeouts.answerMs : this.#timeouts.slowAnswerMs,
      failed: (cause) => this.#failure(doing, cause),
      retry: { attempts: ATTEMPTS, ...retry, verdict: () => isTransient ? {} : false },
    }, async (response) => {
      if (response.ok || expected.includes(response.status)) return response;
      const { error, code } = await readFailure(doing, response);
      isTransient = response.status >= 500 || response.status === 429 || TRANSIENT.has(code);
      throw error;
    });
  }

  /** Returns the body of an answer, which fails if it stalls. */
  body(response: Response, key: string): ByteStream {
    const body = (response.body ?? new Blob([]).stream()) as ByteStream;
    return pullStream(new BodyReader(body, this.#timeouts.stallMs, (cause) => this.#failure(`read ${key}`, cause)));
  }

  /** Returns a signed URL of an object. */
  async signedUrl(key: string, { signal }: AbortOptions = {}): Promise<string> {
    const url = `${this.#base}/${key}?X-Amz-Expires=${URL_SECONDS}`;
    const signer = await this.#signer({ method: "GET", url, signQuery: true }, {
      doing: `sign a URL of ${key}`,
      signal,
    });
    return (await signer.sign()).url.href;
  }

  #failure(doing: string, cause: unknown): unknown {
    if (cause instanceof GcraneError) return cause;
    return new StoreError(`can't ${doing}: ${new URL(this.#base).host} does not answer`, {
      cause: redactedCause(cause),
      hint: "check the endpoint and the network",
    });
  }

  async #signed(request: S3Request, doing: string): Promise<HttpRequest> {
    const { method, key, query = {}, headers = {}, body, signal } = request;
    const url = new URL(key ? `${this.#base}/${key}` : this.#base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const allHeaders = true; // some services refuse headers that are not signed
    const signer = await this.#signer({ method, url: url.href, headers: { ...headers }, allHeaders }, {
      doing,
      signal,
    });
    const signed = await signer.sign();
    // The body is not signed: the digest of the blob verifies it, and TLS protects it in transit.
    return { method, url: signed.url.href, headers: signed.headers, body };
  }

  async #signer(
    request: {
      method: string;
      url: string;
      headers?: Record<string, string>;
      allHeaders?: boolean;
      signQuery?: boolean;
    },
    { doing, signal }: AbortOptions & { doing: string },
  ): Promise<AwsV4Signer> {
    const { accessKeyId, secretAccessKey, sessionToken } = await this.#keys({ signal }).catch((cause) => {
      signal?.throwIfAborted();
      throw new StoreError(`can't ${doing}: there are no keys: ${(cause as Error).message}`, {
        cause,
        hint: (cause as GcraneError).hint,
      });
    });
    if (![accessKeyId, sessionToken ?? ""].every(isHeaderText)) {
      throw new StoreError(`can't ${doing}: the keys have characters that no header can carry`);
    }
    const { region } = this.#options;
    return new AwsV4Signer({ ...request, service: "s3", region, accessKeyId, secretAccessKey, sessionToken });
  }
}

const VERBS = { GET: "read", HEAD: "look for", PUT: "write", POST: "write", DELETE: "remove" } as const;
