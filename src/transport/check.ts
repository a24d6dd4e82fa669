import { type Diagnostic, HttpError, type NetworkFailure } from "../errors.ts";
import {
  networkError,
  plainText,
  readBody as readBytes,
  type ReadBodyOptions as ReadBytesOptions,
  redactUrl,
  redactUrlsIn,
} from "../http/mod.ts";
import { Limits } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";

/** What was asked, for the words of an error. */
export interface RequestLine {
  /** The method. */
  readonly method: string;
  /** The URL, secrets and all: it is redacted here. */
  readonly url: string;
  /** Where to sign in, if that is not the host of the URL. */
  readonly registry?: string;
}

/**
 * Makes an error of an answer with an unexpected status. The body is read, up to 64 KiB, for the registry's own words
 * (distribution-spec, "Error Codes").
 */
export async function responseError(response: Response, request: RequestLine): Promise<HttpError> {
  const diagnostics = await readDiagnostics(response);
  const url = redactUrl(request.url);
  const words = wordsOf(diagnostics);
  const status = `${response.status} ${STATUS_TEXT[response.status] ?? response.statusText}`.trim();
  return new HttpError(`${request.method} ${url}: ${status}${words === "" ? "" : `: ${words}`}`, {
    status: response.status,
    method: request.method,
    url,
    diagnostics,
    retryAfter: parseRetryAfter(response.headers.get("retry-after")),
    hint: hintFor(response.status, diagnostics, request.registry ?? new URL(request.url).host),
  });
}

/** The `errors` of a body on one line, as {@linkcode responseError} repeats them; empty when they are something else. */
export function errorWords(errors: unknown): string {
  return Array.isArray(errors) ? wordsOf(diagnosticsOf(errors)) : "";
}

/** Makes an error of a request that got no answer; an abort and this package's own errors pass as they are. */
export function requestError(cause: unknown, request: RequestLine, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  return networkError(cause, ({ reason, text }) => ({
    message: `${request.method} ${redactUrl(request.url)}: ${text}`,
    hint: reason && FAILURE_HINTS[reason],
  }));
}

const FAILURE_HINTS: Readonly<Partial<Record<NetworkFailure, string>>> = {
  unresolved: "check the spelling of the registry and your network",
  refused: "is the registry running at this address?",
  untrusted: "use --insecure if you trust this registry anyway",
  "not-tls": "use --insecure for a registry that speaks plain http",
  timeout: "check your network",
  unreachable: "check your network",
};

/** Gives what was asked for, or `undefined` where the registry answers 404. */
export async function findOrUndefined<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return undefined;
    throw error;
  }
}

/** How long `Retry-After` asks to wait, in milliseconds (RFC 9110, section 10.2.3): seconds, or a date. */
export function parseRetryAfter(value: string | null, now: number = Date.now()): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Options of {@linkcode readBody}. */
export interface ReadBodyOptions extends ReadBytesOptions {
  /** What the body answers. */
  readonly request: RequestLine;
}

/**
 * All bytes of an answer.
 *
 * @throws {LimitError} when there are more than the limit.
 * @throws {NetworkError} when the connection is cut, or stalls, before the end.
 */
export async function readBody(response: Response, options: ReadBodyOptions): Promise<Bytes> {
  try {
    return await readBytes(response, options);
  } catch (error) {
    throw requestError(error, options.request, options.signal);
  }
}

/** Throws a body away. A short one is read to its end, since only then its connection can be used again. */
export async function discard(response: Response): Promise<void> {
  await readBytes(response, { limit: Limits.message, what: "body" }).catch(() => {});
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
  let text: string;
  try {
    text = new TextDecoder().decode(await readBytes(response, { limit: Limits.message, what: "error body" }));
  } catch {
    return [];
  }
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    if (Array.isArray(errors)) return diagnosticsOf(errors);
  } catch {
    // not the spec's JSON: the text itself may still say something
  }
  const line = text.trim().split("\n", 1)[0];
  return line !== "" && line.length < 200 && !line.startsWith("<") && !line.startsWith("{")
    ? [plainDiagnostic({ code: "", message: line })]
    : [];
}

function isDiagnostic(value: unknown): value is Diagnostic {
  return typeof value === "object" && value !== null && typeof (value as Diagnostic).code === "string";
}

function plainDiagnostic({ code, message, ...rest }: Diagnostic): Diagnostic {
  return { code: plainWords(code), ...(typeof message === "string" ? { message: plainWords(message) } : {}), ...rest };
}

function diagnosticsOf(errors: readonly unknown[]): Diagnostic[] {
  return errors.filter(isDiagnostic).map(plainDiagnostic);
}

function wordsOf(diagnostics: readonly Diagnostic[]): string {
  const texts = diagnostics.map(({ code, message = "" }) => [code, message].filter((part) => part !== "").join(": "));
  return texts.filter((text) => text !== "").join("; ");
}

/** Writes the words of a registry on one line, without control characters and without the secrets of URLs. */
function plainWords(text: string): string {
  return plainText(redactUrlsIn(text));
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
