import { AuthError, HttpError, NetworkError } from "../errors.ts";
import { ask as askHttp, isLocalHost, networkError, readBody, TimeLimitError } from "../http/mod.ts";
import { isHeaderText, Limits, type RetryVerdict } from "../io/mod.ts";
import { type Fields, parseFields } from "./fields.ts";
import { refusalWords } from "./refusal.ts";
import type { Surroundings } from "./surroundings.ts";

/** A request to a server that issues credentials. */
export interface Question {
  /** The name of the server in errors: `Google's token server`. */
  readonly who: string;
  /** The URL. Its query is not shown in errors. */
  readonly url: string | URL;
  /** @default "GET" */
  readonly method?: "GET" | "POST" | "PUT";
  /** The headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body; a form is sent as `application/x-www-form-urlencoded`. */
  readonly body?: string | URLSearchParams;
  /** Secrets that the server may repeat and an error must not. */
  readonly secrets?: readonly string[];
  /** How long the response may take, in milliseconds. */
  readonly timeoutMs?: number;
  /** The number of attempts after passing failures. */
  readonly attempts?: number;
}

const TIMEOUT_MS = 30_000;
const ATTEMPTS = 3;
const NO_ANSWER = "check your network";
/** Statuses of passing failures: the same request may succeed later. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);

/** What a request needs from its surroundings. */
export type Asking = Pick<Surroundings, "fetch" | "wait">;

/** A server's response. */
export interface ServerAnswer {
  /** The headers. */
  readonly headers: Headers;
  /** The body. */
  readonly text: string;
}

/**
 * Sends a request. Does not follow redirects, since the request contains secrets.
 *
 * @throws {HttpError} if the status is not 2xx.
 * @throws {NetworkError} if there is no response in time.
 * @throws {LimitError} if the response is larger than 64 KiB.
 * @throws {AuthError} if a header is not valid.
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
      // The message has the code alone, since the runtime's message may contain the whole URL.
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

/** Sends a request like {@linkcode ask} and returns the body. */
export async function askText(question: Question, asking: Asking): Promise<string> {
  return (await ask(question, asking)).text;
}

/** Sends a request like {@linkcode askText} and parses the body. @throws {AuthError} if it is not a JSON object. */
export async function askFields(question: Question, asking: Asking): Promise<Fields> {
  return parseFields(await askText(question, asking), `the answer of ${question.who}`);
}

/**
 * Parses a URL that may be sent a secret: https, or http on this machine or its link-local network.
 *
 * @param source the origin of the URL, for the error message.
 * @throws {AuthError} if it is another URL.
 */
export function secretUrl(text: string, source: string): URL {
  if (!URL.canParse(text)) throw new AuthError(`${source}: it is not a URL`);
  const url = new URL(text);
  if (url.protocol === "https:" || (url.protocol === "http:" && isLocalHost(url.hostname))) return url;
  throw new AuthError(`${source}: ${url.origin} is not https, and secrets would be sent there`);
}

function verdict(error: unknown): RetryVerdict {
  if (error instanceof HttpError) return PASSING.has(error.status) ? {} : false;
  // A server that did not answer for so long would not answer sooner.
  return error instanceof NetworkError && error.hint !== NO_ANSWER ? {} : false;
}
