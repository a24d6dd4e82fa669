import { redactUrlsIn } from "./url_policy.ts";

/** A failure to get an answer, in words of ours. */
export interface Failure {
  /** What went wrong. */
  readonly text: string;
  /** What the user can do; there is none for what may pass by itself. */
  readonly hint?: string;
}

/** What a failed `fetch` means; every runtime wraps the cause in another way. */
export function describeFailure(error: unknown): Failure {
  const errors = chain(error);
  const all = errors.map((each) => `${codeOf(each) ?? ""} ${withoutUrls(each.message)}`).join(" ");
  for (const [pattern, text, hint] of FAILURES) if (pattern.test(all)) return { text, hint };
  const last = errors.at(-1)?.message ?? String(error);
  return { text: redactUrlsIn(last.replace(/\s+/g, " ").trim()) || "the request failed" };
}

/** The error underneath, without the URL that runtimes put into its words and fields: a signature may be in it. */
export function redactedCause(error: unknown): Error {
  const [first, ...further] = chain(error);
  if (!first) return new Error(redactUrlsIn(String(error)));
  const words = [first, ...further].map(({ message }) => redactUrlsIn(message)).filter((text) => text !== "");
  const redacted = new Error(words.join(": "));
  redacted.name = first.name;
  const code = [first, ...further].map(codeOf).find((each) => each !== undefined);
  return code === undefined ? redacted : Object.assign(redacted, { code });
}

const FAILURES: readonly (readonly [RegExp, string, string?])[] = [
  [
    /ENOTFOUND|EAI_AGAIN|dns error|getaddrinfo|failed to lookup|DNSException|NameNotResolved/i,
    "the host name does not resolve",
    "check the spelling of the registry and your network",
  ],
  [
    /ECONNREFUSED|ConnectionRefused|Connection refused|Unable to connect/i,
    "connection refused",
    "is the registry running at this address?",
  ],
  [
    /certificate|CERT_|SELF_SIGNED|UNABLE_TO_VERIFY|UnknownIssuer|NotValidForName/i,
    "the TLS certificate can't be trusted",
    "use --insecure if you trust this registry anyway",
  ],
  [
    /InvalidContentType|WRONG_VERSION_NUMBER|corrupt message|EPROTO|record layer/i,
    "the server does not speak TLS",
    "use --insecure for a registry that speaks plain http",
  ],
  [/ETIMEDOUT|timed out|TimeoutError/i, "the connection timed out", "check your network"],
  [/ENETUNREACH|EHOSTUNREACH|unreachable/i, "the network is unreachable", "check your network"],
  [
    /ECONNRESET|ConnectionReset|Connection reset|socket connection was closed|SocketError|other side closed|connection closed|before message completed|unexpected EOF|EPIPE|Broken pipe/i,
    "the connection was cut",
  ],
];

/** An error and its causes, the outermost first. */
function chain(error: unknown): Error[] {
  const errors: Error[] = [];
  for (let current = error; current instanceof Error && errors.length < 6; current = current.cause) {
    errors.push(current);
  }
  return errors;
}

function codeOf(error: Error): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** Without the URLs, whose hosts may be called `certificate` or `unreachable`. */
function withoutUrls(text: string): string {
  return text.replace(/\bhttps?:\/\/[^\s"']+/gi, "");
}
