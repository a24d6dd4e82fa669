import { GcraneError, NetworkError, type NetworkFailure } from "../errors.ts";
import { errorCode } from "../io/mod.ts";
import { plainText, redactUrlsIn } from "./redact.ts";
import { TimeLimitError } from "./time_limit.ts";

/** A request that got no answer, or not all of it. */
export interface Failure {
  /** What broke; `undefined` where the runtime says something that is not known here. */
  readonly reason: NetworkFailure | undefined;
  /** What broke, as an error says it. */
  readonly text: string;
  /** The innermost code of the errors: it never holds a URL. */
  readonly code: string | undefined;
}

/** What Deno, Bun, Node.js, browsers and workerd say of a broken network, each with errors and words of its own. */
const PATTERNS: readonly (readonly [NetworkFailure, RegExp, string])[] = [
  ["no-socket", /ENOENT|ENOTDIR/, "there is no such socket"],
  ["denied", /EACCES|EPERM/, "permission denied"],
  [
    "unresolved",
    /ENOTFOUND|EAI_AGAIN|dns error|getaddrinfo|failed to lookup|DNSException|NameNotResolved|NAME_NOT_RESOLVED/i,
    "the host name does not resolve",
  ],
  ["refused", /ECONNREFUSED|ENOTSOCK|ConnectionRefused|Connection refused|Unable to connect/i, "connection refused"],
  [
    "untrusted",
    /certificate|CERT_|SELF_SIGNED|UNABLE_TO_VERIFY|UnknownIssuer|NotValidForName|ALTNAME/i,
    "the TLS certificate can't be trusted",
  ],
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

/** Reads what a failed `fetch`, or a body that failed, means. */
export function readFailure(error: unknown): Failure {
  const errors = chain(error);
  const codes = errors.map(errorCode);
  const code = codes.findLast((each) => each !== undefined);
  const late = errors.find((each) => each instanceof TimeLimitError);
  if (late) return { reason: "timeout", text: late.message, code };
  const all = errors.map(({ message }, i) => `${codes[i] ?? ""} ${withoutUrls(message)}`).join(" ");
  for (const [reason, pattern, text] of PATTERNS) if (pattern.test(all)) return { reason, text, code };
  const last = errors.at(-1)?.message ?? String(error);
  return { reason: undefined, text: plainText(redactUrlsIn(last)) || "the request failed", code };
}

/** What an error is to say of a failure. */
export interface FailureWords {
  /** The message. */
  readonly message: string;
  /** What the user can do. */
  readonly hint?: string | undefined;
}

/**
 * Makes the error of a request that got no answer, or not all of it. An error of this package stays as it is.
 *
 * @param words gives the message and the hint for what broke
 */
export function networkError(cause: unknown, words: (failure: Failure) => FailureWords): GcraneError {
  if (cause instanceof GcraneError) return cause;
  const failure = readFailure(cause);
  const { message, hint } = words(failure);
  return new NetworkError(message, { cause: redactedCause(cause), hint, reason: failure.reason });
}

/** The error underneath, without the URL that runtimes put into its words and fields: it may hold a signature. */
export function redactedCause(error: unknown): Error {
  const [first, ...further] = chain(error);
  if (!first) return new Error(redactUrlsIn(String(error)));
  const words = [first, ...further].map(({ message }) => redactUrlsIn(message)).filter((text) => text !== "");
  const redacted = new Error(words.join(": "));
  redacted.name = first.name;
  const code = [first, ...further].map(errorCode).find((each) => each !== undefined);
  return code === undefined ? redacted : Object.assign(redacted, { code });
}

/** An error and its causes, the outermost first. */
function chain(error: unknown): Error[] {
  const errors: Error[] = [];
  for (let current = error; current instanceof Error && errors.length < 6; current = current.cause) {
    errors.push(current);
  }
  return errors;
}

/** Removes the URLs, whose hosts may be called `certificate` or `unreachable`. */
function withoutUrls(text: string): string {
  return text.replace(/\bhttps?:\/\/[^\s"')]+/gi, "");
}
