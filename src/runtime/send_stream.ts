import type { Bytes, ByteStream } from "./bytes.ts";
import { runtimeName } from "./host.ts";
import { connectionOf, runtimeFetch } from "./http_client.ts";
import { type ConnectionOptions, nodeFetch } from "./node_fetch.ts";
import { pullStream } from "./pull_stream.ts";

/** A request whose body is a stream. */
export interface StreamRequest {
  /** Where to send it. */
  url: string | URL;
  /** `POST`, `PUT` or `PATCH`. */
  method: string;
  /** The headers; `Content-Length` is set from `contentLength` alone. */
  headers: Headers;
  /** The body, which is read once and cancelled when the server does not want the rest. */
  body: ByteStream;
  /** How many bytes the body has, where that is known: other than that fails the call. */
  contentLength?: number;
  /**
   * The server refuses a body without `Content-Length`: take a way that sends it. Else the fastest way is taken, which
   * on Deno is without.
   * @default false
   */
  demandLength?: boolean;
  /** Fails the call, and later the body of the answer, with its reason. */
  signal?: AbortSignal;
  /**
   * What sends it. One that `runtimeFetch` has made may be replaced by another way to the same place.
   * @default runtimeFetch()
   */
  fetch?: typeof fetch;
}

/**
 * Sends a stream without keeping it, the way that suits this runtime, and gives the answer as it is: a redirect is not
 * followed, since the body can't be sent again. A browser can't send a stream everywhere: there the body is read whole.
 */
export function sendStream(request: StreamRequest): Promise<Response> {
  const { fetch = runtimeFetch(), contentLength, demandLength = false } = request;
  const connection = connectionOf(fetch);
  switch (connection === undefined ? "other" : runtimeName()) {
    case "deno": {
      const mustUseNode = isSpecial(connection) || (demandLength && contentLength !== undefined);
      return mustUseNode ? sendWithNode(request, connection) : sendWithFetch(request, fetch);
    }
    case "node":
      // Its fetch keeps the whole body, to send it again after a redirect.
      return sendWithNode(request, connection);
    case "web":
      return sendWhole(request, fetch);
    default:
      return sendWithFetch(request, fetch);
  }
}

function isSpecial(connection: ConnectionOptions | undefined): boolean {
  return connection !== undefined && Object.values(connection).some((value) => value !== undefined && value !== false);
}

function sendWithNode(request: StreamRequest, connection: ConnectionOptions | undefined): Promise<Response> {
  const { url, method, headers, body, contentLength, signal } = request;
  return nodeFetch({ url: new URL(url), method, headers, body, contentLength, signal, connection });
}

async function sendWithFetch(request: StreamRequest, fetch: typeof globalThis.fetch): Promise<Response> {
  const { url, method, contentLength, signal } = request;
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  if (contentLength !== undefined) headers.set("content-length", String(contentLength));
  const { body, abandon } = watchedBody(request.body, contentLength);
  const init = { method, headers, body, duplex: "half", redirect: "manual", ...(signal && { signal }) };
  try {
    return await fetch(url, init as RequestInit);
  } catch (error) {
    abandon(error);
    throw error;
  }
}

async function sendWhole(request: StreamRequest, fetch: typeof globalThis.fetch): Promise<Response> {
  const { url, method, headers, signal } = request;
  const body = await new Response(request.body).bytes();
  return await fetch(url, { method, headers, body, redirect: "manual", ...(signal && { signal }) });
}

/**
 * Returns the body as fetch is given it: it fails where it has not its length, and can be abandoned, which some
 * runtimes forget when they fail before they read.
 */
function watchedBody(
  source: ByteStream,
  length: number | undefined,
): { body: ByteStream; abandon: (reason: unknown) => void } {
  const { FixedLengthStream } = globalThis as {
    FixedLengthStream?: new (length: number) => TransformStream<Bytes, Bytes>;
  };
  if (FixedLengthStream !== undefined && length !== undefined) {
    // What workerd sends chunked otherwise; it cancels the source itself.
    return { body: source.pipeThrough(new FixedLengthStream(length)), abandon() {} };
  }
  const reader = source.getReader();
  const abandon = (reason: unknown) => void reader.cancel(reason).catch(() => {});
  let count = 0;
  const body = pullStream({
    async read() {
      const { done, value } = await reader.read();
      count += value?.byteLength ?? 0;
      if (length !== undefined && (done ? count < length : count > length)) {
        const error = new Error(`the body was to have ${length} bytes and has ${done ? `only ${count}` : "more"}`);
        abandon(error);
        throw error;
      }
      return value;
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { body, abandon };
}
