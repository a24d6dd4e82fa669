import { GcraneError, NetworkError, type NetworkFailure } from "../errors.ts";
import { errorCode } from "../io/mod.ts";
import { plainText, redactUrlsIn } from "./redact.ts";
import { TimeLimitError } from "./time_limit.ts";

/** The failure of a request without a response, or without a complete one. */
export interface Failure {
  /** What failed; `undefined` if the runtime's error is not known. */
  readonly reason: NetworkFailure | undefined;
  /** The text for an error message. */
  readonly text: string;
  /** The innermost code of the errors. It never contains a URL. */
  readonly code: string | undefined;
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

/** Reads the error of a failed `fetch` or of a failed body. */
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
  return new NetworkError(message, { cause: redactedCause(cause), hint, reason: failure.reason });
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
