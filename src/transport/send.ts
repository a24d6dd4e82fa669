import { LimitError, ProtocolError } from "../errors.ts";
import { ask, type AskOptions, redactUrl, type Timeouts, timeoutsOf } from "../http/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { discard, requestError } from "./check.ts";
import { checkRedirect, hostAndPort, MAX_REDIRECTS, mayAuthorize } from "./url_policy.ts";

/** A body that can be sent again after a redirect, a challenge or a failure. */
export interface StreamBody {
  /** Opens the bytes. */
  open(): Promise<ByteStream>;
  /** The number of bytes, if it is known. */
  readonly length?: number;
  /** Whether the server requires `Content-Length` and rejects chunked bodies. */
  readonly demandLength?: boolean;
}

/** A body that the runtime sends by itself, so that its bytes do not pass through JavaScript. It can be sent once. */
export interface NativeBody {
  /** A response's unread body, a file, or bytes. */
  readonly native: NonNullable<RequestInit["body"]>;
  /** The number of bytes. */
  readonly length: number;
}

/** One HTTP request, before redirects. */
export interface OutgoingRequest {
  /** The method. */
  readonly method: string;
  /** The URL. */
  readonly url: URL;
  /** The headers without authorization. */
  readonly headers: Headers;
  /** The body. */
  readonly body?: Bytes | StreamBody | NativeBody;
  /**
   * Whether to return the body as it was sent, without decoding its `Content-Encoding`, where `fetch` supports that.
   * @default false
   */
  readonly verbatim?: boolean;
  /**
   * The timeout for the response.
   * @default "answer" for GET and HEAD, else "slow"
   */
  readonly patience?: Patience;
  /** Aborts the request. */
  readonly signal?: AbortSignal;
}

/** The name of a timeout: see {@linkcode Timeouts}. */
export type Patience = "connect" | "answer" | "slow";

/** A request that was sent, with secrets redacted. */
export interface RequestEvent {
  /** The method. */
  readonly method: string;
  /** The URL, redacted. */
  readonly url: string;
  /** The status of the response; `undefined` if there was none. */
  readonly status: number | undefined;
  /** The time until the response began, in milliseconds. */
  readonly ms: number;
}

/** Options of {@linkcode send}. */
export interface SendOptions {
  /** The `fetch` to use. */
  readonly fetch: typeof fetch;
  /** Called for every request. */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Awaited before each request. */
  readonly pace?: (options: AbortOptions) => Promise<void>;
  /** How long to wait for the server. */
  readonly timeouts?: Timeouts;
  /** Returns the authorization header for a URL, if any. Not called after a redirect to another host. */
  readonly authorize?: (url: URL) => Promise<string | undefined> | string | undefined;
  /** Returns further headers for the registry itself. Not called after a redirect to another host. */
  readonly ownHeaders?: () => Promise<Readonly<Record<string, string>>>;
  /** The private hosts that redirects may lead to: `HOST`, or `HOST:PORT` for one port. */
  readonly allowRedirects?: readonly string[] | undefined;
  /** Throws to refuse a redirect. The default is security rule 3. */
  readonly checkRedirect?: (from: URL, to: URL) => void;
}

/** A response, and the URL that it came from after redirects. */
export interface Answer {
  /** The response with its unread body. */
  readonly response: Response;
  /** The URL that sent the response. */
  readonly url: URL;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Sends a request and follows its redirects under these rules: at most 10, none to a more private place,
 * authorization only from `authorize` and never after another host. A write keeps its method and body, except
 * after 303.
 */
export async function send(request: OutgoingRequest, options: SendOptions): Promise<Answer> {
  const check = options.checkRedirect ?? ((from, to) => checkRedirect(from, to, options));
  let { url, method, body } = request;
  let { authorize, ownHeaders } = options;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await sendOnce({ ...request, url, method, body }, { ...options, authorize, ownHeaders });
    if (response.type === "opaqueredirect") return await followInBrowser({ ...request, url, method, body }, options);
    const location = REDIRECTS.has(response.status) ? response.headers.get("location") : null;
    if (location === null || isNativeBody(body)) return { response, url };
    await discard(response);
    const next = resolveLocation(location, url);
    check(url, next);
    if (hostAndPort(next) !== hostAndPort(url)) authorize = undefined;
    if (!mayAuthorize(next, url)) ownHeaders = undefined;
    if (response.status === 303 && method !== "HEAD") [method, body] = ["GET", undefined];
    url = next;
  }
  throw new LimitError(`${request.method} ${redactUrl(request.url)}: more than ${MAX_REDIRECTS} redirects`);
}

/** Resolves a `Location` against its URL. @throws {ProtocolError} if it is not a URL. */
export function resolveLocation(location: string, base: URL): URL {
  // The message omits the location and any error that quotes it: it may be signed.
  if (!URL.canParse(location, base)) throw new ProtocolError(`${base.host} answered with a Location that is not a URL`);
  return new URL(location, base);
}

async function sendOnce(request: OutgoingRequest, options: SendOptions): Promise<Response> {
  const { method, url, body, signal, verbatim = false } = request;
  const headers = new Headers(request.headers);
  if (verbatim) headers.set("accept-encoding", "identity");
  for (const [name, value] of Object.entries(await options.ownHeaders?.() ?? {})) headers.set(name, value);
  const authorization = await options.authorize?.(url);
  if (authorization) headers.set("authorization", authorization);
  if (isNativeBody(body)) headers.set("content-length", String(body.length));
  await options.pace?.({ signal });
  signal?.throwIfAborted();
  const sent = isStreamBody(body) ? { ...body, stream: await body.open() } : isNativeBody(body) ? body.native : body;
  const init = { ...decoding(verbatim), ...(isNativeBody(body) && { duplex: "half" }) } as RequestInit;
  const started = performance.now();
  let status: number | undefined;
  try {
    return await ask({ method, url, headers, body: sent, init }, askOptions(request, options), (response) => {
      status = response.status;
      return response;
    });
  } finally {
    options.onRequest?.({ method, url: redactUrl(url), status, ms: performance.now() - started });
  }
}

function askOptions(request: OutgoingRequest, { fetch, timeouts }: SendOptions): AskOptions {
  const { method, url, signal } = request;
  return {
    fetch,
    signal,
    limitMs: limitOf(request, timeoutsOf(timeouts)),
    failed: (cause) => requestError(cause, { method, url: url.href }, signal),
  };
}

/** Returns the timeout of a response. A native body has its own deadline, by its size. */
function limitOf({ method, body, patience }: OutgoingRequest, timeouts: Required<Timeouts>): number {
  if (isNativeBody(body)) return 0;
  if (patience) return timeouts[PATIENCE[patience]];
  return method === "GET" || method === "HEAD" ? timeouts.answerMs : timeouts.slowAnswerMs;
}

const PATIENCE = { connect: "connectMs", answer: "answerMs", slow: "slowAnswerMs" } as const;

/** Sends the request again with the browser's own redirects: browsers hide the target, and remove authorization. */
async function followInBrowser(request: OutgoingRequest, options: SendOptions): Promise<Answer> {
  const { method, url, body } = request;
  if (isStreamBody(body) || isNativeBody(body)) {
    throw new ProtocolError(`${url.host} redirects an upload, which a browser can't follow`);
  }
  const headers = new Headers(request.headers);
  const authorization = await options.authorize?.(url);
  if (authorization) headers.set("authorization", authorization);
  const asked = { method, url, headers, body, init: { redirect: "follow" } } as const;
  return await ask(asked, askOptions(request, options), (response) => ({ response, url: new URL(response.url) }));
}

/** Stops Bun from decoding a body, which it does even if it asked for identity. */
function decoding(verbatim: boolean): RequestInit {
  return verbatim ? { decompress: false } as RequestInit : {};
}

function isStreamBody(body: OutgoingRequest["body"]): body is StreamBody {
  return body !== undefined && "open" in body;
}

/** Whether a body can be sent only once. */
export function isNativeBody(body: OutgoingRequest["body"]): body is NativeBody {
  return body !== undefined && "native" in body;
}
