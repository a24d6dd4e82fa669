import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";

/** A request as a fake server sees it. */
export interface FakeRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** The body; empty where there is none. */
  readonly body: ByteStream;
  /** Which of the connections that were made, counted from 1; 0 where there are none. */
  readonly connection: number;
}

/** What a fake server answers, truthfully or not. */
export interface FakeAnswer {
  readonly status: number;
  /** Those without a value are left out. */
  readonly headers?: Readonly<Record<string, string | undefined>> | readonly (readonly [string, string])[];
  readonly body?: Bytes | string | ByteStream;
  /** The length that the headers claim; `"chunked"` for none. The body's own if it is in memory. */
  readonly length?: number | "chunked";
  /** After so many bytes of the body the connection is cut. */
  readonly cutAfter?: number;
  /** After the body nothing more happens, not even an end. */
  readonly stalls?: boolean;
}

/** No answer at all: the connection is cut. */
export const CUT = "cut" as const;
/** No answer at all: nothing happens. */
export const STALL = "stall" as const;

/** What may come of a request. */
export type FakeOutcome = FakeAnswer | typeof CUT | typeof STALL;

/** Answers requests. */
export type FakeHandler = (request: FakeRequest) => FakeOutcome | Promise<FakeOutcome>;

/** What a fake server remembers of a request. */
export interface RecordedRequest {
  readonly method: string;
  readonly url: URL;
  /** Path and query. */
  readonly path: string;
  readonly host: string;
  readonly headers: Headers;
  readonly connection: number;
  /** How many bytes of the body were read so far. */
  bodySize: number;
  /** Whether the body was read to its end. */
  bodyRead: boolean;
  /** The status of the answer; 0 where there was none. */
  status: number;
  /** Whether it was answered, or cut. */
  over: boolean;
}

/** Records a request, and counts its body while it is read. */
export function record(
  request: FakeRequest,
  into: RecordedRequest[],
): { request: FakeRequest; recorded: RecordedRequest } {
  const { method, url, headers, connection } = request;
  const path = url.pathname + url.search;
  const recorded = {
    method,
    url,
    path,
    host: url.host,
    headers,
    connection,
    bodySize: 0,
    bodyRead: false,
    status: 0,
    over: false,
  };
  into.push(recorded);
  const reader = request.body.getReader();
  const body: ByteStream = new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read();
      if (done) {
        recorded.bodyRead = true;
        return controller.close();
      }
      recorded.bodySize += value.length;
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { request: { ...request, body }, recorded };
}

/** The headers of an answer. */
export function headersOf({ headers = {} }: FakeAnswer): [name: string, value: string][] {
  const all = Array.isArray(headers) ? headers : Object.entries(headers);
  return all.filter(([, value]) => value !== undefined);
}

/** All bytes of a body. */
export async function bytesOf(body: ByteStream): Promise<Bytes> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}

/** The first bytes of a body, as a body. The rest is left where it is. */
export function firstBytes(body: ByteStream, count: number): ByteStream {
  const reader = body.getReader();
  let left = count;
  return new ReadableStream({
    async pull(controller) {
      if (left === 0) return controller.close();
      const { value, done } = await reader.read();
      if (done) return controller.close();
      const chunk = value.subarray(0, left);
      left -= chunk.length;
      controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
}

/** Text as bytes. */
export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}
