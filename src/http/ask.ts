import { abortable, readAll, retry, type RetryOptions, type RetryVerdict } from "../io/mod.ts";
import { type Bytes, type ByteStream, pullStream, sendStream } from "../runtime/mod.ts";
import { VERSION } from "../version.ts";
import { BodyReader, TimeLimit, type Wait } from "./time_limit.ts";
import { WatchedSource } from "./watched_source.ts";

/** A body that is sent as it is read, once. */
export interface StreamBody {
  /** The bytes. */
  readonly stream: ByteStream;
  /** The number of bytes, if it is known. */
  readonly length?: number | undefined;
  /** Whether the server must be told the length and can't be sent chunks. */
  readonly demandLength?: boolean | undefined;
}

/** One request over HTTP. Redirects are not followed, unless `init` says so. */
export interface HttpRequest {
  /** The method. */
  readonly method: string;
  /** Where to. */
  readonly url: string | URL;
  /** The headers. */
  readonly headers?: Headers | Readonly<Record<string, string>> | undefined;
  /** What is sent. */
  readonly body?: BodyInit | StreamBody | null | undefined;
  /** What the runtime's `fetch` is given besides. */
  readonly init?: RequestInit | undefined;
}

/** How {@linkcode ask} asks. */
export interface AskOptions {
  /** Sends the request. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** For how many milliseconds an answer is waited for, from the last byte sent on; 0 means without end. */
  readonly limitMs: number;
  /** Makes the error of a request without an answer; `networkError` does so for most. */
  readonly failed: (cause: unknown) => unknown;
  /**
   * How a request is tried again, and after which errors.
   * @default it is sent once
   */
  readonly retry?: Omit<RetryOptions, "signal"> & { readonly verdict: (error: unknown) => RetryVerdict };
  /**
   * How to wait until the limit is over.
   * @default a timer
   */
  readonly wait?: Wait | undefined;
  /** Ends it, with its own reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a request and gives what `take` makes of the answer. All conversations over HTTP go through here: a wait for
 * the other side is limited, and a failure becomes the error that the caller makes of it.
 *
 * @param request the request, or what makes it for each try
 * @param take reads the answer within the time limit, or gives it as it is; its body is then the caller's
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
    source?.throwIfFailed();
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
    throw await failed(limit.signal.aborted ? limit.signal.reason : error);
  } finally {
    limit.end();
  }
}

/** The value of the `User-Agent` header: the program's own text, then this package. */
export function userAgent(program?: string): string {
  return program ? `${program} gcrane/${VERSION}` : `gcrane/${VERSION}`;
}

/** How {@linkcode readBody} reads. */
export interface ReadBodyOptions {
  /** The most bytes to accept. */
  readonly limit: number;
  /** What to call the body in an error. */
  readonly what: string;
  /**
   * For how many milliseconds the next byte is waited for; 0 means without end.
   * @default 60000
   */
  readonly stallMs?: number | undefined;
  /** Ends it, with its own reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads all bytes of an answer.
 *
 * @throws {LimitError} when there are more than the limit.
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
