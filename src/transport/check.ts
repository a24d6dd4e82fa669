import { type Diagnostic, GcraneError, HttpError, NetworkError } from "../errors.ts";
import { Limits, readAll } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { redactUrl } from "./url_policy.ts";

/** What was asked, for the words of an error. */
export interface RequestLine {
  /** The method. */
  readonly method: string;
  /** The URL, secrets and all: it is redacted here. */
  readonly url: string;
}

/**
 * Makes an error of an answer with an unexpected status. The body is read, up to 64 KiB, for the registry's own words
 * (distribution-spec, "Error Codes").
 */
export async function responseError(response: Response, request: RequestLine): Promise<HttpError> {
  const diagnostics = await readDiagnostics(response);
  const url = redactUrl(request.url);
  const words = diagnostics.map(diagnosticText).filter((text) => text !== "").join("; ");
  const status = `${response.status} ${STATUS_TEXT[response.status] ?? response.statusText}`.trim();
  return new HttpError(`${request.method} ${url}: ${status}${words === "" ? "" : `: ${words}`}`, {
    status: response.status,
    method: request.method,
    url,
    diagnostics,
    retryAfter: parseRetryAfter(response.headers.get("retry-after")),
    hint: hintFor(response.status, diagnostics, new URL(request.url).host),
  });
}

/** Makes an error of a request that got no answer; an abort and this package's own errors pass as they are. */
export function requestError(cause: unknown, request: RequestLine, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (cause instanceof GcraneError) return cause;
  const reason = describeCause(cause);
  return new NetworkError(`${request.method} ${redactUrl(request.url)}: ${reason.text}`, { cause, hint: reason.hint });
}

/** How long `Retry-After` asks to wait, in milliseconds (RFC 9110, section 10.2.3): seconds, or a date. */
export function parseRetryAfter(value: string | null, now: number = Date.now()): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Throws a body away. A short one is read to its end, since only then its connection can be used again. */
export async function discard(response: Response): Promise<void> {
  if (!response.body) return;
  await readAll(response.body as ByteStream, { limit: Limits.message, what: "body" }).catch(() => {});
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  416: "Range Not Satisfiable",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

async function readDiagnostics(response: Response): Promise<Diagnostic[]> {
  if (!response.body) return [];
  let text: string;
  try {
    const bytes = await readAll(response.body as ByteStream, { limit: Limits.message, what: "error body" });
    text = new TextDecoder().decode(bytes);
  } catch {
    return [];
  }
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    if (Array.isArray(errors)) return errors.filter(isDiagnostic);
  } catch {
    // not the spec's JSON: the text itself may still say something
  }
  const line = text.trim().split("\n", 1)[0];
  return line !== "" && line.length < 200 && !line.startsWith("<") && !line.startsWith("{")
    ? [{ code: "", message: line }]
    : [];
}

function isDiagnostic(value: unknown): value is Diagnostic {
  return typeof value === "object" && value !== null && typeof (value as Diagnostic).code === "string";
}

function diagnosticText({ code, message }: Diagnostic): string {
  const words = typeof message === "string" ? message.replace(/\s+/g, " ").trim() : "";
  return [code, words].filter((part) => part !== "").join(": ");
}

function hintFor(status: number, diagnostics: readonly Diagnostic[], host: string): string | undefined {
  switch (status) {
    case 401:
    case 403:
      return `check the name, or sign in with: gcrane auth login ${host}`;
    case 404:
      return diagnostics.some(({ code }) => code === "NAME_UNKNOWN" || code === "MANIFEST_UNKNOWN")
        ? "check the spelling of the repository and the tag"
        : undefined;
    case 429:
      return "the registry limits the rate; wait, or sign in for a higher limit";
    default:
      return undefined;
  }
}

/** The innermost cause of a failed fetch in words of ours; every runtime wraps it in another way. */
function describeCause(error: unknown): { text: string; hint?: string } {
  const texts: string[] = [];
  for (let current = error, depth = 0; current instanceof Error && depth < 6; current = current.cause, depth++) {
    texts.push(`${(current as { code?: unknown }).code ?? ""} ${current.message}`);
  }
  const all = texts.join(" ");
  for (const [pattern, text, hint] of CAUSES) if (pattern.test(all)) return { text, hint };
  const last = error instanceof Error ? innermost(error).message : String(error);
  return { text: last.replace(/\s+/g, " ").trim() || "the request failed" };
}

const CAUSES: readonly (readonly [RegExp, string, string?])[] = [
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

function innermost(error: Error): Error {
  let current = error;
  while (current.cause instanceof Error) current = current.cause;
  return current;
}
