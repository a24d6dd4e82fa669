import { HttpError, LimitError, PackageError } from "../../errors.ts";
import { ask, networkError, readBody, redactUrl, type Timeouts, timeoutsOf, userAgent } from "../../http/mod.ts";
import type { RetryOptions } from "../../io/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import { checkRedirect, MAX_REDIRECTS, mayAuthorize, parseRetryAfter, retryVerdict } from "../../transport/internal.ts";
import type { PackageRegistries } from "./registries.ts";

/** Options of {@linkcode PackageClient}. */
export interface PackageClientOptions {
  /** Sends the requests. */
  fetch: typeof fetch;
  /**
   * The time limits.
   *
   * @default those of the package
   */
  timeouts?: Timeouts | undefined;
  /**
   * The retries of passing failures.
   *
   * @default four attempts
   */
  retry?: RetryOptions | undefined;
}

/** One request for a document or a tarball. */
export interface PackageRequest {
  /** What is asked for, for errors. */
  what: string;
  /** The most bytes. */
  limit: number;
  /** The value of `Accept`. */
  accept?: string;
  signal?: AbortSignal | undefined;
}

/** Asks package registries. Credentials go to the places that settings name them for, and to no place else. */
export class PackageClient {
  readonly #registries: PackageRegistries;
  readonly #options: PackageClientOptions;
  /** The origins that have answered. */
  readonly #present = new Set<string>();

  constructor(registries: PackageRegistries, options: PackageClientOptions) {
    this.#registries = registries;
    this.#options = options;
  }

  /**
   * Gets a whole body.
   *
   * @throws {HttpError} if the status is not 200.
   * @throws {NetworkError} if there is no complete response.
   * @throws {PackageError} if the body is larger than the limit.
   */
  async get(url: URL, request: PackageRequest): Promise<Bytes> {
    const authorization = this.#registries.authorization(url);
    let place = url;
    for (let count = 0; count <= MAX_REDIRECTS; count++) {
      // A place that a registry redirects to gets credentials only if it is the same host.
      const secret = authorization !== undefined && mayAuthorize(place, url) ? authorization : undefined;
      const result = await this.#ask(place, secret, request);
      if (!(result instanceof URL)) return result;
      checkRedirect(url, result);
      place = result;
    }
    throw new PackageError(`${request.what}: ${url.host} redirects more than ${MAX_REDIRECTS} times`);
  }

  async #ask(url: URL, authorization: string | undefined, request: PackageRequest): Promise<Bytes | URL> {
    const { what, limit, accept = "*/*", signal } = request;
    const { fetch, timeouts, retry } = this.#options;
    const { answerMs, stallMs } = timeoutsOf(timeouts);
    const shown = redactUrl(url);
    const headers = { accept, "user-agent": userAgent(), ...(authorization && { authorization }) };
    const failed = (cause: unknown) =>
      networkError(cause, ({ text }) => ({
        message: `${what}: GET ${shown}: ${text}`,
        hint: "check the network, and the registry that the lock, .npmrc or npm_config_registry names",
      }));
    const verdict = (error: unknown) => retryVerdict(error, this.#present.has(url.origin));
    return await ask({ method: "GET", url, headers }, {
      fetch,
      limitMs: answerMs,
      failed,
      retry: { ...retry, verdict },
      signal,
    }, async (response) => {
      this.#present.add(url.origin);
      const location = response.headers.get("location");
      if (response.status >= 300 && response.status < 400 && location !== null && URL.canParse(location, url)) {
        await response.body?.cancel().catch(() => {});
        return new URL(location, url);
      }
      if (response.status !== 200) throw await refusal(response, shown, request, authorization !== undefined);
      return await readWhole(response, request, failed, { limit, stallMs });
    });
  }
}

async function readWhole(
  response: Response,
  { what, signal }: PackageRequest,
  failed: (cause: unknown) => unknown,
  limits: { limit: number; stallMs: number },
): Promise<Bytes> {
  try {
    const bytes = await readBody(response, { ...limits, what, ...(signal && { signal }) });
    const length = response.headers.get("content-length");
    // A runtime may end a body early without an error.
    const isWhole = length === null || response.headers.has("content-encoding") || Number(length) === bytes.length;
    if (!isWhole) throw Object.assign(new Error("the connection was cut"), { code: "ECONNRESET" });
    return bytes;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof LimitError) throw new PackageError(error.message, { cause: error });
    throw failed(error);
  }
}

async function refusal(
  response: Response,
  url: string,
  { what }: PackageRequest,
  hadCredentials: boolean,
): Promise<HttpError> {
  await response.body?.cancel().catch(() => {});
  const { status } = response;
  const isRefused = status === 401 || status === 403;
  const hint = isRefused
    ? `${hadCredentials ? "check" : "set"} //${new URL(url).host}/:_authToken in .npmrc`
    : status === 404
    ? "the registry does not have it: check the registry that .npmrc or npm_config_registry names"
    : undefined;
  const retryAfter = parseRetryAfter(response.headers.get("retry-after"));
  return new HttpError(`${what}: GET ${url}: the registry answers ${status}`, {
    status,
    method: "GET",
    url,
    hint,
    retryAfter,
  });
}
