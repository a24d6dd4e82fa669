import { redactHeader, redactUrl } from "./redact.ts";
import { oneLine } from "./terminal_text.ts";
import { formatDuration } from "./units.ts";

/** A completed or failed request. */
export interface RequestEvent {
  /** The method. */
  readonly method: string;
  /** The full URL. */
  readonly url: string;
  /** The status of the response; `undefined` if there was none. */
  readonly status?: number;
  /** The time from the start of the request to the response's headers, in milliseconds. */
  readonly ms: number;
  /** The request's headers, if they are known. */
  readonly headers?: Iterable<readonly [name: string, value: string]>;
  /** The reason for a missing response. */
  readonly error?: unknown;
}

/** Called for each request. */
export type RequestListener = (event: RequestEvent) => void;

/**
 * Formats a request on one line without secrets: `GET https://registry.example.com/v2/ 401 34ms (accept: …;
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
