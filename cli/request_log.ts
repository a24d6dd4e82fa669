import { redactHeader, redactUrl } from "./redact.ts";
import { oneLine } from "./terminal_text.ts";
import { formatDuration } from "./units.ts";

/** A request that was answered or that failed. */
export interface RequestEvent {
  /** The method. */
  readonly method: string;
  /** The URL in full. */
  readonly url: string;
  /** The status of the answer; `undefined` where there was none. */
  readonly status?: number;
  /** From the start of the request to the headers of the answer, in milliseconds. */
  readonly ms: number;
  /** The headers sent, where they are known. */
  readonly headers?: Iterable<readonly [name: string, value: string]>;
  /** Why there was no answer. */
  readonly error?: unknown;
}

/** Called for each request. */
export type RequestListener = (event: RequestEvent) => void;

/**
 * Returns a request on one line, its secrets left out: `GET https://registry.example.com/v2/ 401 34ms (accept: …;
 * authorization: Bearer REDACTED)`.
 */
export function formatRequest(event: RequestEvent): string {
  const headers = Array.from(
    event.headers ?? [],
    ([name, value]) => `${name.toLowerCase()}: ${redactHeader(name, value)}`,
  );
  const outcome = event.status ?? (event.error instanceof Error ? event.error.name : "failed");
  const line = `${event.method} ${redactUrl(event.url)} ${outcome} ${formatDuration(event.ms)}`;
  return oneLine(headers.length === 0 ? line : `${line} (${headers.join("; ")})`);
}
