import { abortable, readAll, retry, type RetryOptions, type RetryVerdict } from "../io/mod.ts";
import { type Bytes, type ByteStream, proxyAt, pullStream, sendStream } from "../runtime/mod.ts";
import { VERSION } from "../version.ts";
import { proxyFailure, refusedByProxy } from "./failure.ts";
import { BodyReader, TimeLimit, type Wait } from "./time_limit.ts";
import { WatchedSource } from "./watched_source.ts";

/** A streamed body, which can be sent once. */
export interface StreamBody {
  /** The stream. */
  readonly stream: ByteStream;
  /** The number of bytes, if known. */
  readonly length?: number | undefined;
  /** Whether the server requires `Content-Length` and rejects chunked bodies. */
  readonly demandLength?: boolean | undefined;
}

/** One HTTP request. Redirects are not followed unless `init` asks for it. */
export interface HttpRequest {
  /** The method. */
  readonly method: string;
  /** The URL. */
  readonly url: string | URL;
  /** The headers. */
  readonly headers?: Headers | Readonly<Record<string, string>> | undefined;
  /** The body. */
  readonly body?: BodyInit | StreamBody | null | undefined;
  /** Further options for the runtime's `fetch`. */
  readonly init?: RequestInit | undefined;
}

/** Options of {@linkcode ask}. */
export interface AskOptions {
  /** Sends the request. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** How long to wait for the response after the last byte sent, in milliseconds; 0 for no limit. */
  readonly limitMs: number;
  /** Creates the error of a request without a response, usually by `networkError`. */
  readonly failed: (cause: unknown) => unknown;
  /**
   * The retries, and the errors that are retried.
   * @default no retries
   */
  readonly retry?: Omit<RetryOptions, "signal"> & { readonly verdict: (error: unknown) => RetryVerdict };
  /**
   * Waits until the limit is over.
   * @default a timer
   */
  readonly wait?: Wait | undefined;
  /** Aborts the request with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a request and returns the result of `take`. Every HTTP request of the package uses this function, which limits
 * the wait for the server and turns a failure into an error of the caller.
 *
 * @param request the request, or a function that creates it for each attempt
 * @param take reads the response within the time limit, or returns it with its unread body
 */
export async function ask<T>(
  request: HttpRequest | (() => HttpRequest | Promise<HttpRequest>),
  options: AskOptions,
  take: (response: Response, signal: AbortSignal | undefined) => T | Promise<T>,
): Promise<T> {
  const { verdict = () => false as const, ...tries } = options.retry ?? {};
  const attempt = async () => await askOnce(typeof request === "function" ? await request() : request, options, take);
  return await retry(attempt, verdict, { ...tries, signal: options.signal });
}

async function askOnce<T>(
  { method, url, headers, body, init }: HttpRequest,
  { fetch, limitMs, failed, wait, signal: stop }: AskOptions,
  take: (response: Response, signal: AbortSignal | undefined) => T | Promise<T>,
): Promise<T> {
  const limit = new TimeLimit(limitMs, "answer", wait);
  const signal = limitMs === 0 ? stop : stop ? AbortSignal.any([stop, limit.signal]) : limit.signal;
  const source = isStreamBody(body) ? new WatchedSource(body.stream, limit) : undefined;
  const send = async (): Promise<T> => {
    const whole = {
      method,
      redirect: "manual",
      ...init,
      ...(headers && { headers }),
      ...(signal && { signal }),
    } as const;
    const response = isStreamBody(body)
      ? await sendStream({
        url,
        method,
        headers: new Headers(headers),
        body: source!.stream,
        contentLength: body.length,
        demandLength: body.demandLength,
        signal,
        fetch: fetch as typeof globalThis.fetch,
      })
      : await fetch(String(url), { ...whole, body });
    if (signal?.aborted) {
      // An injected `fetch` may ignore its signal and answer too late: its connection must not stay open.
      await response.body?.cancel(signal.reason).catch(() => {});
      throw signal.reason;
    }
    source?.throwIfFailed();
    const proxy = response.status === 407 ? await proxyAt(fetch as typeof globalThis.fetch, url) : undefined;
    if (proxy) {
      await response.body?.cancel().catch(() => {});
      throw refusedByProxy(proxy);
    }
    if (response.status >= 300) source?.stop();
    return await take(response, signal);
  };
  try {
    stop?.throwIfAborted();
    limit.begin();
    return await abortable(send(), signal);
  } catch (error) {
    source?.stop(error);
    if (stop?.aborted) throw stop.reason;
    source?.throwIfFailed();
    if (limit.signal.aborted) throw await failed(limit.signal.reason);
    const proxy = await proxyAt(fetch as typeof globalThis.fetch, url).catch(() => undefined);
    throw await failed(proxy ? proxyFailure(error, proxy) : error);
  } finally {
    limit.end();
  }
}

/** Returns the value of the `User-Agent` header: the program's own text, then this package. */
export function userAgent(program?: string): string {
  return program ? `${program} gcrane/${VERSION}` : `gcrane/${VERSION}`;
}

/** Options of {@linkcode readBody}. */
export interface ReadBodyOptions {
  /** The maximum number of bytes. */
  readonly limit: number;
  /** The name of the body in an error. */
  readonly what: string;
  /**
   * How long to wait for the next byte, in milliseconds; 0 for no limit.
   * @default 60000
   */
  readonly stallMs?: number | undefined;
  /** Aborts the read with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads all bytes of a response body.
 *
 * @throws {LimitError} if the body is larger than the limit.
 */
export async function readBody({ body }: Response, options: ReadBodyOptions): Promise<Bytes> {
  const { limit, what, stallMs, signal } = options;
  if (!body) return new Uint8Array();
  return await readAll(pullStream(new BodyReader(body as ByteStream, stallMs)), {
    limit,
    what,
    ...(signal && { signal }),
  });
}

function isStreamBody(body: HttpRequest["body"]): body is StreamBody {
  return typeof body === "object" && body !== null && "stream" in body && !(body instanceof Blob);
}
