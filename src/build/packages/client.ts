import { HttpError, LimitError, NetworkError, PackageError } from "../../errors.ts";
import { redactUrl, type Timeouts, timeoutsOf, userAgent } from "../../http/mod.ts";
import { retry, type RetryOptions } from "../../io/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import { mayAuthorize, parseRetryAfter, readBody, requestError, retryVerdict, send } from "../../transport/internal.ts";
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
   * @throws {PackageError} if the body is larger than the limit, or redirects have no end.
   */
  async get(url: URL, request: PackageRequest): Promise<Bytes> {
    const verdict = (error: unknown) => retryVerdict(error, this.#present.has(url.origin));
    const tries = { ...this.#options.retry, signal: request.signal };
    try {
      return await retry(() => this.#attempt(url, request), verdict, tries);
    } catch (error) {
      throw named(error, request);
    }
  }

  async #attempt(url: URL, request: PackageRequest): Promise<Bytes> {
    const { accept = "*/*", signal } = request;
    const { fetch, timeouts } = this.#options;
    const authorization = this.#registries.authorization(url);
    const headers = new Headers({ accept, "user-agent": userAgent() });
    const { response, url: place } = await send({ method: "GET", url, headers, signal }, {
      fetch,
      timeouts,
      // A place that a registry redirects to gets credentials only if it is the same host.
      authorize: (place) => mayAuthorize(place, url) ? authorization : undefined,
    });
    this.#present.add(url.origin);
    const shown = redactUrl(place);
    if (response.status !== 200) throw await refusal(response, shown, request, authorization !== undefined);
    return await readWhole(response, shown, request, timeoutsOf(timeouts));
  }
}

async function readWhole(
  response: Response,
  url: string,
  { what, limit, signal }: PackageRequest,
  { stallMs }: Timeouts,
): Promise<Bytes> {
  const request = { method: "GET", url };
  const bytes = await readBody(response, { limit, what, stallMs, signal, request });
  const length = response.headers.get("content-length");
  // A runtime may end a body early without an error.
  if (length === null || response.headers.has("content-encoding") || Number(length) === bytes.length) return bytes;
  throw requestError(Object.assign(new Error("the connection was cut"), { code: "ECONNRESET" }), request);
}

/** Returns the error of a request with what it was for, and with a hint on where registries are named. */
function named(error: unknown, { what }: PackageRequest): unknown {
  if (error instanceof LimitError) {
    const message = error.message.startsWith(what) ? error.message : `${what}: ${error.message}`;
    return new PackageError(message, { cause: error });
  }
  if (!(error instanceof NetworkError)) return error;
  const { message, cause, reason } = error;
  const isElsewhere = reason === undefined || reason === "unresolved" || reason === "refused" ||
    reason === "unreachable";
  const hint = isElsewhere || error.hint === undefined
    ? "check the network, and the registry that the lock, .npmrc or npm_config_registry names"
    : error.hint;
  return new NetworkError(`${what}: ${message}`, { cause, reason, hint });
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
