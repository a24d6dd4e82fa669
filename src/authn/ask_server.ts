import { AuthError, GcraneError, HttpError, NetworkError } from "../errors.ts";
import { errorCode, isHeaderText, Limits, readAll, retry, type RetryVerdict } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
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
  const { attempts = ATTEMPTS } = question;
  return await retry(() => once(question, { fetch, wait }), verdict, { attempts, wait, maxDelayMs: 10_000 });
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

async function once(question: Question, { fetch, wait }: Asking): Promise<ServerAnswer> {
  const { who, method = "GET", headers, body, secrets = [], timeoutMs = TIMEOUT_MS } = question;
  const url = new URL(question.url);
  const place = `${url.origin}${url.pathname}`;
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (isHeaderText(value)) continue;
    throw new AuthError(`${who}: ${method} ${place}: what goes into ${name} has characters that no header can carry`);
  }
  const late = () => new NetworkError(`${who}: no answer from ${place} in ${timeoutMs} ms`, { hint: NO_ANSWER });
  try {
    return await within(timeoutMs, { wait, late }, async (signal) => {
      const response = await fetch(url, { method, headers, body, redirect: "manual", signal });
      const text = response.body === null ? "" : await readText(response.body as ByteStream, who, signal);
      if (response.ok) return { headers: response.headers, text };
      const words = refusalWords(text, secrets);
      throw new HttpError(`${who}: ${method} ${place}: ${response.status}${words === "" ? "" : `: ${words}`}`, {
        status: response.status,
        method,
        url: place,
      });
    });
  } catch (error) {
    if (error instanceof GcraneError) throw error;
    throw new NetworkError(`${who}: ${method} ${place}: ${networkWords(error)}`);
  }
}

async function readText(body: ByteStream, who: string, signal: AbortSignal): Promise<string> {
  const bytes = await readAll(body, { limit: Limits.message, what: `the answer of ${who}`, signal });
  return new TextDecoder().decode(bytes);
}

/** Does some work, and gives it up with an error when it takes too long. */
async function within<T>(
  ms: number,
  { wait, late }: Pick<Surroundings, "wait"> & { late: () => Error },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timer = new AbortController();
  const working = new AbortController();
  const timeout = wait(ms, timer.signal).then(() => {
    const error = late();
    working.abort(error);
    throw error;
  });
  timeout.catch(() => {}); // the work may be done first
  try {
    return await Promise.race([work(working.signal), timeout]);
  } finally {
    timer.abort();
  }
}

function verdict(error: unknown): RetryVerdict {
  if (error instanceof HttpError) return PASSING.has(error.status) ? {} : false;
  // Who did not answer for so long would not answer sooner.
  return error instanceof NetworkError && error.hint !== NO_ANSWER ? {} : false;
}

/** Why there was no answer: the innermost code, since the words of runtimes hold the whole URL. */
function networkWords(error: unknown): string {
  let words = "the request failed";
  for (let each = error; each instanceof Error; each = each.cause) words = errorCode(each) ?? words;
  return words;
}
