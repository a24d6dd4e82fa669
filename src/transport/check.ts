import { type Diagnostic, HttpError, type NetworkFailure } from "../errors.ts";
import {
  networkError,
  plainText,
  readBody as readBytes,
  type ReadBodyOptions as ReadBytesOptions,
  redactUrl,
  redactUrlsIn,
} from "../http/mod.ts";
import { Limits, LONGEST_WAIT_MS } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";

/** The request that an error message names. */
export interface RequestLine {
  /** The method. */
  readonly method: string;
  /** The URL with its secrets: the error message holds it redacted. */
  readonly url: string;
  /** The registry to sign in to, if it is not the host of the URL. */
  readonly registry?: string;
  /** What the request showed to be allowed; `undefined` for a server that is not to see credentials. */
  readonly shown?: Shown;
}

/** What a request shows: nothing, the credentials of a user, or a token that a token server gave for them. */
export type Shown = "nothing" | "credentials" | "token";

/**
 * Creates an error from a response with an unexpected status. Reads up to 64 KiB of the body for the registry's message
 * (distribution-spec, "Error Codes").
 */
export async function responseError(response: Response, request: RequestLine): Promise<HttpError> {
  const diagnostics = await readDiagnostics(response);
  const url = redactUrl(request.url);
  const words = wordsOf(diagnostics);
  const retryAfter = parseRetryAfter(response.headers.get("retry-after"));
  const status = `${response.status} ${STATUS_TEXT[response.status] ?? response.statusText}`.trim();
  return new HttpError(`${request.method} ${url}: ${status}${words === "" ? "" : `: ${words}`}`, {
    status: response.status,
    method: request.method,
    url,
    diagnostics,
    retryAfter,
    hint: waitHint(retryAfter) ?? hintFor(response.status, diagnostics, request),
  });
}

/** Formats the `errors` of a body on one line, as {@linkcode responseError} does. Returns "" for any other value. */
export function errorWords(errors: unknown): string {
  return Array.isArray(errors) ? wordsOf(diagnosticsOf(errors)) : "";
}

/** Creates the error of a request without a response. Returns abort reasons and errors of this package unchanged. */
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
  untrusted: "name the file of its authority with --ca-cert or SSL_CERT_FILE, or use --insecure to trust it anyway",
  "client-certificate": "name the files of yours with --client-cert and --client-key",
  "not-tls": "use --insecure for a registry that speaks plain http, --client-cert for one that demands a certificate",
  timeout: "check your network",
  unreachable: "check your network",
};

/** Returns the result of `ask`, or `undefined` where the registry answers 404. */
export async function findOrUndefined<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return undefined;
    throw error;
  }
}

/** Reads `Retry-After`, seconds or a date, in milliseconds (RFC 9110, section 10.2.3). */
export function parseRetryAfter(value: string | null, now: number = Date.now()): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Options of {@linkcode readBody}. */
export interface ReadBodyOptions extends ReadBytesOptions {
  /** The request that the body belongs to. */
  readonly request: RequestLine;
}

/**
 * Reads all bytes of a response body.
 *
 * @throws {LimitError} if the body is larger than the limit.
 * @throws {NetworkError} if the connection is cut, or stalls, before the end.
 */
export async function readBody(response: Response, options: ReadBodyOptions): Promise<Bytes> {
  try {
    return await readBytes(response, options);
  } catch (error) {
    throw requestError(error, options.request, options.signal);
  }
}

/**
 * How long to wait for the next byte of a body that holds no more than the words of an error, in milliseconds: the
 * status is known, and a longer wait is not worth them.
 */
const WORDS_STALL_MS = 2_000;

/** Discards a body. Reads a short one to its end, since the connection can be used again only then. */
export async function discard(response: Response): Promise<void> {
  await readBytes(response, { limit: Limits.message, what: "body", stallMs: WORDS_STALL_MS }).catch(() => {});
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
    text = new TextDecoder().decode(
      await readBytes(response, {
        limit: Limits.message,
        what: "error body",
        stallMs: WORDS_STALL_MS,
      }),
    );
  } catch {
    return [];
  }
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    if (Array.isArray(errors)) return diagnosticsOf(errors);
  } catch {
    // Not the JSON of the spec: the text itself may be a message.
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

/** Formats a registry's message on one line, without control characters and without the secrets of URLs. */
function plainWords(text: string): string {
  return plainText(redactUrlsIn(text));
}

/** Returns a hint if the registry asks for a longer wait than a retry makes. */
function waitHint(retryAfter: number | undefined): string | undefined {
  if (retryAfter === undefined || retryAfter <= LONGEST_WAIT_MS) return undefined;
  return `the registry asks to wait ${Math.ceil(retryAfter / 1000)} s before the next request`;
}

function hintFor(status: number, diagnostics: readonly Diagnostic[], request: RequestLine): string | undefined {
  switch (status) {
    case 401:
    case 403:
      return signInHint(status, request);
    case 404:
      if (diagnostics.some(({ code }) => code === "NAME_UNKNOWN")) return "check the spelling of the repository";
      return diagnostics.some(({ code }) => code === "MANIFEST_UNKNOWN")
        ? "check the spelling of the repository and the tag"
        : undefined;
    case 429:
      return request.shown === "nothing"
        ? `the registry limits the rate: wait, or sign in with: ${loginCommand(request)}`
        : "the registry limits the rate: wait";
    default:
      return undefined;
  }
}

/** Returns the next step after a refusal, which many registries also answer for a name that does not exist. */
function signInHint(status: 401 | 403, request: RequestLine): string | undefined {
  const { shown } = request;
  if (shown === undefined) return undefined;
  if (shown === "nothing") return `if the name is right, sign in with: ${loginCommand(request)}`;
  if (shown === "credentials" && status === 401) return `sign in again with: ${loginCommand(request)}`;
  return `if the name is right, sign in as a user with the permission: ${loginCommand(request)}`;
}

function loginCommand({ registry, url }: RequestLine): string {
  return `gcrane auth login ${registry ?? new URL(url).host}`;
}
