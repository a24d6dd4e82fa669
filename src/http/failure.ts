import { GcraneError, NetworkError, type NetworkFailure } from "../errors.ts";
import { errorCode } from "../io/mod.ts";
import { plainText, redactUrlsIn } from "./redact.ts";
import type { Proxy } from "../runtime/mod.ts";
import { TimeLimitError } from "./time_limit.ts";

/** The failure of a request without a response, or without a complete one. */
export interface Failure {
  /** What failed; `undefined` if the runtime's error is not known. */
  readonly reason: NetworkFailure | undefined;
  /** The text for an error message. */
  readonly text: string;
  /** The innermost code of the errors. It never contains a URL. */
  readonly code: string | undefined;
  /** What the user can do, if that does not depend on the server. */
  readonly hint?: string;
}

/** A proxy that can't be reached, demands credentials, or opens no connection to the server. */
export class ProxyFailure extends Error {
  /** What the user can do. */
  readonly hint: string;

  /** Creates the error; the text is about "the proxy". */
  constructor({ url, source }: Proxy, text: string, hint: string, cause?: unknown) {
    super(`the proxy ${new URL(url).host} (${source}) ${text}`, { cause });
    this.name = "ProxyFailure";
    this.hint = hint;
  }
}

/** Returns the failure of a proxy if the error of a request through it shows one, else the error itself. */
export function proxyFailure(error: unknown, proxy: Proxy): unknown {
  const { reason } = readFailure(error);
  const text = chain(error).map((each) => `${errorCode(each) ?? ""} ${each.message}`).join(" ");
  if (/\b407\b|proxy authentication required/i.test(text)) return refusedByProxy(proxy, error);
  const { source } = proxy;
  if (reason === "unresolved" || reason === "refused" || reason === "unreachable") {
    const words = { unresolved: "has a name that does not resolve", refused: "refuses the connection" };
    const hint = `check ${source}; NO_PROXY lists the hosts to reach without a proxy`;
    return new ProxyFailure(proxy, reason === "unreachable" ? "is unreachable" : words[reason], hint, error);
  }
  if (!/ERR_PROXY_TUNNEL|\btunnel\b|unsuccessful/i.test(text)) return error;
  const status = /\b[45]\d\d\b/.exec(text)?.[0];
  const answer = status ? ` (it answers ${status})` : "";
  const hint = `check the host and its port; NO_PROXY lists the hosts to reach without a proxy`;
  return new ProxyFailure(proxy, `opens no connection to the server${answer}`, hint, error);
}

/** Creates the failure of a proxy that answers 407. */
export function refusedByProxy(proxy: Proxy, cause?: unknown): ProxyFailure {
  const { username, protocol } = new URL(proxy.url);
  const status = protocol.startsWith("http") ? " (407)" : "";
  const text = `${username === "" ? "demands credentials" : "refuses the credentials"}${status}`;
  return new ProxyFailure(proxy, text, `set ${proxy.source} to a URL with USER:PASSWORD@ before the host`, cause);
}

/** The errors of Deno, Bun, Node.js, browsers and workerd for a broken network: each has its own codes and texts. */
const PATTERNS: readonly (readonly [NetworkFailure, RegExp, string])[] = [
  ["no-socket", /ENOENT|ENOTDIR/, "there is no such socket"],
  ["denied", /EACCES|EPERM/, "permission denied"],
  [
    "unresolved",
    /ENOTFOUND|EAI_AGAIN|dns error|getaddrinfo|failed to lookup|DNSException|NameNotResolved|NAME_NOT_RESOLVED/i,
    "the host name does not resolve",
  ],
  [
    "client-certificate",
    /certificate[ _]?required|bad[ _]?certificate|handshake[ _]?failure/i,
    "the server demands a client certificate",
  ],
  ["refused", /ECONNREFUSED|ENOTSOCK|ConnectionRefused|Connection refused|Unable to connect/i, "connection refused"],
  [
    "untrusted",
    /certificate|CERT_|SELF_SIGNED|UNABLE_TO_VERIFY|UnknownIssuer|NotValidForName|ALTNAME/i,
    "the TLS certificate can't be trusted",
  ],
  // Bun does not distinguish the two.
  ["not-tls", /TLS handshake failed/, "the server does not speak TLS, or demands a client certificate"],
  [
    "not-tls",
    /InvalidContentType|WRONG_VERSION_NUMBER|corrupt message|EPROTO|record layer/i,
    "the server does not speak TLS",
  ],
  ["not-http", /invalid HTTP version|HPE_INVALID/i, "the server does not speak HTTP"],
  ["timeout", /ETIMEDOUT|timed out|TimeoutError|UND_ERR_[A-Z]+_TIMEOUT/i, "the connection timed out"],
  ["unreachable", /ENETUNREACH|EHOSTUNREACH|unreachable/i, "the network is unreachable"],
  [
    "cut",
    /ECONNRESET|ConnectionReset|Connection reset|socket connection was closed|SocketError|other side closed|connection closed|before message completed|unexpected EOF|EPIPE|Broken pipe|closed early|reading a body|connection lost/i,
    "the connection was cut",
  ],
];

/** The errors of Chromium, Firefox and Safari, which hide the reason from scripts. */
const HIDDEN = /^(Failed to fetch|NetworkError when attempting to fetch resource|Load failed)/;

/** The hint for an error of a browser. The headers are those of the distribution-spec that scripts need. */
function browserHint(): string {
  const { location } = globalThis as { location?: { origin?: string } };
  const origin = location?.origin ?? "this origin";
  return `check the address, and that the server lets pages of ${origin} in (CORS): it has to send ` +
    "Access-Control-Allow-Origin, also in answers to OPTIONS, and a registry Access-Control-Expose-Headers with " +
    "Docker-Content-Digest, Link, Location, Range, WWW-Authenticate; createRegistry has the option cors for it";
}

/** Reads the error of a failed `fetch` or of a failed body. */
export function readFailure(error: unknown): Failure {
  const errors = chain(error);
  const codes = errors.map(errorCode);
  const code = codes.findLast((each) => each !== undefined);
  const proxy = errors.find((each) => each instanceof ProxyFailure);
  if (proxy) return { reason: "proxy", text: proxy.message, code, hint: proxy.hint };
  const late = errors.find((each) => each instanceof TimeLimitError);
  if (late) return { reason: "timeout", text: late.message, code };
  const all = errors.map(({ message }, i) => `${codes[i] ?? ""} ${withoutUrls(message)}`).join(" ");
  for (const [reason, pattern, text] of PATTERNS) if (pattern.test(all)) return { reason, text, code };
  if (errors.some(({ message }) => HIDDEN.test(message))) {
    const text = "the browser does not get a response, and gives no reason";
    return { reason: undefined, text, code, hint: browserHint() };
  }
  const last = errors.at(-1)?.message ?? String(error);
  return { reason: undefined, text: plainText(redactUrlsIn(last)) || "the request failed", code };
}

/** The message and hint for a failure. */
export interface FailureWords {
  /** The message. */
  readonly message: string;
  /** What the user can do. */
  readonly hint?: string | undefined;
}

/**
 * Creates the error of a request without a complete response. Returns errors of this package unchanged.
 *
 * @param words returns the message and the hint for the failure
 */
export function networkError(cause: unknown, words: (failure: Failure) => FailureWords): GcraneError {
  if (cause instanceof GcraneError) return cause;
  const failure = readFailure(cause);
  const { message, hint } = words(failure);
  return new NetworkError(message, {
    cause: redactedCause(cause),
    hint: failure.hint ?? hint,
    reason: failure.reason,
  });
}

/** Copies an error without the URLs in its messages and fields, which may contain a signature. */
export function redactedCause(error: unknown): Error {
  const [first, ...further] = chain(error);
  if (!first) return new Error(redactUrlsIn(String(error)));
  const words = [first, ...further].map(({ message }) => redactUrlsIn(message)).filter((text) => text !== "");
  const redacted = new Error(words.join(": "));
  redacted.name = first.name;
  const code = [first, ...further].map(errorCode).find((each) => each !== undefined);
  return code === undefined ? redacted : Object.assign(redacted, { code });
}

/** Returns an error and its causes, the outermost first. */
function chain(error: unknown): Error[] {
  const errors: Error[] = [];
  for (let current = error; current instanceof Error && errors.length < 6; current = current.cause) {
    errors.push(current);
  }
  return errors;
}

/** Removes URLs, whose hosts may be named `certificate` or `unreachable`. */
function withoutUrls(text: string): string {
  return text.replace(/\bhttps?:\/\/[^\s"')]+/gi, "");
}
