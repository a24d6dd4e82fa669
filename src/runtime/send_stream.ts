import type { Bytes, ByteStream } from "./bytes.ts";
import { runtimeName } from "./host.ts";
import { connectionOf, fetchAt, needsNode, runtimeFetch } from "./http_client.ts";
import { type ConnectionOptions, nodeFetch } from "./node_fetch.ts";
import { pullStream } from "./pull_stream.ts";

/** A request whose body is a stream. */
export interface StreamRequest {
  /** The URL of the request. */
  url: string | URL;
  /** `POST`, `PUT` or `PATCH`. */
  method: string;
  /** The headers; `Content-Length` is set only from `contentLength`. */
  headers: Headers;
  /** The body, which is read once, and cancelled if the server stops reading it. */
  body: ByteStream;
  /** The length of the body in bytes, if it is known. A body of another length fails the call. */
  contentLength?: number;
  /**
   * Whether the server requires `Content-Length`. Otherwise the fastest way is used, which on Deno sends no length.
   *
   * @default false
   */
  demandLength?: boolean;
  /** Fails the call, and later the body of the response, with the signal's reason. */
  signal?: AbortSignal;
  /**
   * The function that sends the request. One from `runtimeFetch` may be replaced by another with the same connection.
   *
   * @default runtimeFetch()
   */
  fetch?: typeof fetch;
}

/**
 * Sends a stream without buffering it, in the way that suits the runtime, and returns the response as it is. Does not
 * follow a redirect, since the body can't be sent again. Some browsers can't send a stream: there the body is read into
 * memory first.
 */
export async function sendStream(request: StreamRequest): Promise<Response> {
  const { contentLength, demandLength = false } = request;
  const fetch = await fetchAt(request.fetch ?? runtimeFetch(), request.url);
  const connection = connectionOf(fetch);
  switch (connection === undefined ? "other" : runtimeName()) {
    case "deno":
    case "bun": {
      // Deno's fetch sends no length of a stream.
      const wantsLength = runtimeName() === "deno" && demandLength && contentLength !== undefined;
      const mustUseNode = needsNode(connection!) || wantsLength;
      return await (mustUseNode ? sendWithNode(request, connection) : sendWithFetch(request, fetch));
    }
    case "node":
      // Node's fetch keeps the whole body in order to send it again after a redirect.
      return await sendWithNode(request, connection);
    case "web":
      return await sendWhole(request, fetch);
    default:
      return await sendWithFetch(request, fetch);
  }
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
 * Wraps the body for fetch. It fails on a wrong length, and can be cancelled explicitly, as some runtimes do not cancel
 * it if they fail before reading.
 */
function watchedBody(
  source: ByteStream,
  length: number | undefined,
): { body: ByteStream; abandon: (reason: unknown) => void } {
  const { FixedLengthStream } = globalThis as {
    FixedLengthStream?: new (length: number) => TransformStream<Bytes, Bytes>;
  };
  if (FixedLengthStream !== undefined && length !== undefined) {
    // workerd sends any other stream chunked. It cancels the source itself.
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
