import { AuthError, HttpError, NetworkError } from "../errors.ts";
import { ask as askHttp, networkError, readBody, TimeLimitError } from "../http/mod.ts";
import { isHeaderText, Limits, type RetryVerdict } from "../io/mod.ts";
import { type Fields, parseFields } from "./fields.ts";
import { refusalWords } from "./refusal.ts";
import type { Surroundings } from "./surroundings.ts";

/** A question to a server that hands out credentials. */
export interface Question {
  /** Who is asked, for errors: `Google's token server`. */
  readonly who: string;
  /** The URL; what follows its `?` is not repeated in errors. */
  readonly url: string | URL;
  /** @default "GET" */
  readonly method?: "GET" | "POST" | "PUT";
  /** The headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent; a form as `application/x-www-form-urlencoded`. */
  readonly body?: string | URLSearchParams;
  /** What must not be repeated in an error, though the server may repeat it. */
  readonly secrets?: readonly string[];
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs?: number;
  /** How often to try when it fails in passing. */
  readonly attempts?: number;
}

const TIMEOUT_MS = 30_000;
const ATTEMPTS = 3;
const NO_ANSWER = "check your network";
/** Statuses that pass: the same request may succeed later. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);

/** What a server may be asked with. */
export type Asking = Pick<Surroundings, "fetch" | "wait">;

/** What a server answered. */
export interface ServerAnswer {
  /** Its headers. */
  readonly headers: Headers;
  /** Its body. */
  readonly text: string;
}

/**
 * Asks a server. Redirects are not followed: what is sent is secret.
 *
 * @throws {HttpError} when the status is not 2xx.
 * @throws {NetworkError} when there is no answer in time.
 * @throws {LimitError} when the answer is larger than 64 KiB.
 * @throws {AuthError} when no header can carry what is to be sent.
 */
export async function ask(question: Question, { fetch, wait }: Asking): Promise<ServerAnswer> {
  const { who, method = "GET", headers, body, secrets = [], timeoutMs = TIMEOUT_MS, attempts = ATTEMPTS } = question;
  const url = new URL(question.url);
  const place = `${url.origin}${url.pathname}`;
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (isHeaderText(value)) continue;
    throw new AuthError(`${who}: ${method} ${place}: what goes into ${name} has characters that no header can carry`);
  }
  const failed = (cause: unknown) =>
    cause instanceof TimeLimitError
      ? new NetworkError(`${who}: no answer from ${place} in ${timeoutMs} ms`, { hint: NO_ANSWER })
      // The code alone, since the words of runtimes hold the whole URL.
      : networkError(cause, ({ code }) => ({ message: `${who}: ${method} ${place}: ${code ?? "the request failed"}` }));
  const retry = { attempts, wait, maxDelayMs: 10_000, verdict };
  const options = { fetch, wait, limitMs: timeoutMs, failed, retry };
  return await askHttp({ method, url, headers, body }, options, async (response, signal) => {
    const limits = { limit: Limits.message, what: `the answer of ${who}`, stallMs: 0, signal };
    const text = new TextDecoder().decode(await readBody(response, limits));
    if (response.ok) return { headers: response.headers, text };
    const words = refusalWords(text, secrets);
    throw new HttpError(`${who}: ${method} ${place}: ${response.status}${words === "" ? "" : `: ${words}`}`, {
      status: response.status,
      method,
      url: place,
    });
  });
}

/** As {@linkcode ask}, for the text alone. */
export async function askText(question: Question, asking: Asking): Promise<string> {
  return (await ask(question, asking)).text;
}

/** As {@linkcode askText}, for an answer that is an object of JSON. @throws {AuthError} when it is none. */
export async function askFields(question: Question, asking: Asking): Promise<Fields> {
  return parseFields(await askText(question, asking), `the answer of ${question.who}`);
}

/**
 * A URL that may be sent a secret: https, or http where nobody listens in, on this machine or its link.
 *
 * @param source where the URL is from, for the error message.
 * @throws {AuthError} when it is none.
 */
export function secretUrl(text: string, source: string): URL {
  if (!URL.canParse(text)) throw new AuthError(`${source}: it is no URL`);
  const url = new URL(text);
  if (url.protocol === "https:" || (url.protocol === "http:" && isLocal(url.hostname))) return url;
  throw new AuthError(`${source}: ${url.origin} is not https, and secrets would be sent there`);
}

/** This machine, or its link, where metadata servers are; `metadata.google.internal` is one of them. */
function isLocal(hostname: string): boolean {
  return hostname === "localhost" || hostname === "metadata.google.internal" ||
    /^(127|169\.254)\.[\d.]+$/.test(hostname) || hostname === "[::1]" || /^\[fe80:|^\[fd00:ec2::/.test(hostname);
}

function verdict(error: unknown): RetryVerdict {
  if (error instanceof HttpError) return PASSING.has(error.status) ? {} : false;
  // Who did not answer for so long would not answer sooner.
  return error instanceof NetworkError && error.hint !== NO_ANSWER ? {} : false;
}
