import { chunks } from "../../src/io/mod.ts";
import type { ByteStream } from "../../src/runtime/mod.ts";
import {
  CUT,
  type FakeAnswer,
  type FakeHandler,
  headersOf,
  record,
  type RecordedRequest,
  STALL,
  utf8,
} from "./messages.ts";

/** A network of servers that exist only here, by origin: `https://registry.example.com`. */
export type FakeNetwork = Readonly<Record<string, FakeHandler>>;

/** A `fetch` that reaches a fake network and nothing else, and what it was asked. */
export interface FakeFetch {
  readonly fetch: typeof fetch;
  readonly requests: RecordedRequest[];
}

/** Creates a `fetch` for a fake network. Redirects are not followed, as the code under test never asks for that. */
export function fakeFetch(network: FakeNetwork): FakeFetch {
  const requests: RecordedRequest[] = [];
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const streamed = init?.body instanceof ReadableStream;
    const asked = new Request(input, { ...init, ...(streamed ? { duplex: "half" } : {}) } as RequestInit);
    const url = new URL(asked.url);
    const { signal } = init ?? {};
    signal?.throwIfAborted();
    const handler = network[url.origin];
    if (!handler) {
      throw new TypeError("fetch failed", { cause: Object.assign(new Error(url.host), { code: "ENOTFOUND" }) });
    }
    const body = (asked.body ?? new Blob([]).stream()) as ByteStream;
    const { request, recorded } = record(
      { method: asked.method, url, headers: asked.headers, body, connection: 0 },
      requests,
    );
    try {
      const answer = await Promise.race([handler(request), aborted(signal)]);
      if (answer === STALL) return await aborted(signal);
      if (answer === CUT) throw connectionCut();
      recorded.status = answer.status;
      return response(answer, asked.method, signal);
    } finally {
      recorded.over = true;
    }
  };
  return { fetch: fetch as typeof globalThis.fetch, requests };
}

/** Rejects when the signal aborts, and otherwise never settles. */
function aborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal?.reason);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}

function connectionCut(): TypeError {
  return new TypeError("fetch failed", { cause: Object.assign(new Error("cut"), { code: "ECONNRESET" }) });
}

function response(answer: FakeAnswer, method: string, signal: AbortSignal | null | undefined): Response {
  const { status, body } = answer;
  const bytes = typeof body === "string" ? utf8(body) : body;
  const headers = new Headers(headersOf(answer));
  const length = answer.length ?? (bytes instanceof Uint8Array ? bytes.length : "chunked");
  if (length !== "chunked" && status !== 204 && !headers.has("content-length")) {
    headers.set("content-length", String(length));
  }
  const hasBody = method !== "HEAD" && status !== 204 && status !== 304;
  return new Response(hasBody ? streamed(answer, bytes, signal) : null, { status, headers });
}

function streamed(
  answer: FakeAnswer,
  body: Uint8Array | ByteStream | undefined,
  signal: AbortSignal | null | undefined,
): ByteStream {
  const { cutAfter = Infinity, stalls = false } = answer;
  async function* source(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    let sent = 0;
    const parts = body instanceof Uint8Array ? [body] : body ? chunks(body) : [];
    for await (const chunk of parts) {
      const part = new Uint8Array(chunk.subarray(0, cutAfter - sent));
      sent += part.length;
      if (part.length > 0) yield part;
      if (sent >= cutAfter) break;
    }
    if (cutAfter !== Infinity) throw connectionCut();
    if (stalls) await aborted(signal);
  }
  const iterator = source();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await Promise.race([iterator.next(), aborted(signal)]);
      if (done) controller.close();
      else controller.enqueue(value!);
    },
    async cancel() {
      await iterator.return();
    },
  }, { highWaterMark: 0 });
}
