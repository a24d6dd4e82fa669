import { LimitError, ProtocolError } from "../errors.ts";
import { ask, type AskOptions, redactUrl, type Timeouts, timeoutsOf } from "../http/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { discard, requestError } from "./check.ts";
import { checkRedirect, hostAndPort, MAX_REDIRECTS } from "./url_policy.ts";

/** A body that can be sent again: after a redirect, a challenge, a failure. */
export interface StreamBody {
  /** Opens the bytes. */
  open(): Promise<ByteStream>;
  /** The number of bytes, if it is known. */
  readonly length?: number;
  /** Whether the server must be told the length and can't be sent chunks. */
  readonly demandLength?: boolean;
}

/** A body that is handed to the runtime whole, so that its bytes do not pass through JavaScript; it is sent once. */
export interface NativeBody {
  /** A response's untouched body, a file, bytes. */
  readonly native: BodyInit;
  /** The number of bytes. */
  readonly length: number;
}

/** One HTTP request, its redirects not yet followed. */
export interface OutgoingRequest {
  /** The method. */
  readonly method: string;
  /** Where to. */
  readonly url: URL;
  /** The headers, authorization left out. */
  readonly headers: Headers;
  /** What is sent. */
  readonly body?: Bytes | StreamBody | NativeBody;
  /**
   * Whether the body is wanted as it is sent, whatever `Content-Encoding` says of it, where `fetch` can do that.
   * @default false
   */
  readonly verbatim?: boolean;
  /**
   * Which of the timeouts counts for the answer.
   * @default "answer" for GET and HEAD, else "slow"
   */
  readonly patience?: Patience;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** How long an answer is waited for: see {@linkcode Timeouts}. */
export type Patience = "connect" | "answer" | "slow";

/** A request as it went over the wire, for whoever shows them; secrets are redacted. */
export interface RequestEvent {
  /** The method. */
  readonly method: string;
  /** The URL, redacted. */
  readonly url: string;
  /** The status of the answer; `undefined` when there was none. */
  readonly status: number | undefined;
  /** How long it took until the answer began, in milliseconds. */
  readonly ms: number;
}

/** What sending needs from outside. */
export interface SendOptions {
  /** The `fetch` to use. */
  readonly fetch: typeof fetch;
  /** Told of every request. */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Waited for before each request. */
  readonly pace?: (options: AbortOptions) => Promise<void>;
  /** How long the other side is waited for. */
  readonly timeouts?: Timeouts;
  /** Gives the authorization header for a URL, or nothing where none may be sent. Not asked after another host. */
  readonly authorize?: (url: URL) => Promise<string | undefined> | string | undefined;
  /** Refuses a redirect by throwing. The default is security rule 3. */
  readonly checkRedirect?: (from: URL, to: URL) => void;
}

/** An answer, and the URL that it came from after redirects. */
export interface Answer {
  /** The answer; nobody has read its body yet. */
  readonly response: Response;
  /** Where it came from. */
  readonly url: URL;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Sends a request and follows its redirects by our own rules: at most 10, none to a private address of another host,
 * authorization only where `authorize` gives it, and none once another host had a say. A write keeps its method and
 * body, except after 303.
 */
export async function send(request: OutgoingRequest, options: SendOptions): Promise<Answer> {
  const check = options.checkRedirect ?? checkRedirect;
  let { url, method, body } = request;
  let { authorize } = options;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await sendOnce({ ...request, url, method, body }, { ...options, authorize });
    if (response.type === "opaqueredirect") return await followInBrowser({ ...request, url, method, body }, options);
    const location = REDIRECTS.has(response.status) ? response.headers.get("location") : null;
    if (location === null || isNativeBody(body)) return { response, url };
    await discard(response);
    const next = resolveLocation(location, url);
    check(url, next);
    if (hostAndPort(next) !== hostAndPort(url)) authorize = undefined;
    if (response.status === 303 && method !== "HEAD") [method, body] = ["GET", undefined];
    url = next;
  }
  throw new LimitError(`${request.method} ${redactUrl(request.url)}: more than ${MAX_REDIRECTS} redirects`);
}

/** A `Location` against the URL that it came from. @throws {ProtocolError} when it is no URL. */
export function resolveLocation(location: string, base: URL): URL {
  // The text itself is not repeated, nor an error that does: it may be signed.
  if (!URL.canParse(location, base)) throw new ProtocolError(`${base.host} answered with a Location that is no URL`);
  return new URL(location, base);
}

async function sendOnce(request: OutgoingRequest, options: SendOptions): Promise<Response> {
  const { method, url, body, signal, verbatim = false } = request;
  const headers = new Headers(request.headers);
  if (verbatim) headers.set("accept-encoding", "identity");
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

/** How long an answer may take. What sends a native body has a limit of its own, by the size. */
function limitOf({ method, body, patience }: OutgoingRequest, timeouts: Required<Timeouts>): number {
  if (isNativeBody(body)) return 0;
  if (patience) return timeouts[PATIENCE[patience]];
  return method === "GET" || method === "HEAD" ? timeouts.answerMs : timeouts.slowAnswerMs;
}

const PATIENCE = { connect: "connectMs", answer: "answerMs", slow: "slowAnswerMs" } as const;

/** A browser hides where a redirect leads and follows it by its own rules, which strip authorization too. */
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

/** Bun decodes a body even when it was asked for identity, and has an option of its own against that. */
function decoding(verbatim: boolean): RequestInit {
  return verbatim ? { decompress: false } as RequestInit : {};
}

function isStreamBody(body: OutgoingRequest["body"]): body is StreamBody {
  return body !== undefined && "open" in body;
}

/** Whether a body can be sent once only. */
export function isNativeBody(body: OutgoingRequest["body"]): body is NativeBody {
  return body !== undefined && "native" in body;
}
