import type { IncomingMessage, ServerResponse } from "node:http";
import type { ByteStream } from "./bytes.ts";
import { NodeReader } from "./node_readable.ts";
import { pipeToNode } from "./node_writable.ts";
import { pullStream } from "./pull_stream.ts";

/**
 * The most bytes to read of a body that the handler did not read, so that a client that sends its whole body first
 * receives the response.
 */
const UNWANTED_BYTES = 256 * 1024 * 1024;
/** The longest time for that in milliseconds, in total and without any bytes. */
const UNWANTED_MS = 30_000;
const UNWANTED_IDLE_MS = 5_000;

/**
 * Answers one request of node:http with a fetch handler. Rejects if the handler or the body of its response fails.
 *
 * A response that is returned before the whole body of the request has arrived closes the connection. The response is
 * sent immediately, and the rest of the body is read and dropped, up to a limit: closing a connection with unread bytes
 * resets it, and the client may lose the response.
 */
export async function answerNode(
  handler: (request: Request, peer: { remoteAddress?: string }) => Response | Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const disconnected = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) disconnected.abort(new DOMException("The client went away", "AbortError"));
  });
  const { remoteAddress } = incoming.socket; // unavailable once the connection is closed
  const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
  const reader = hasBody ? new NodeReader(incoming) : undefined;
  // A cancel does not destroy the connection, as the response is still to be sent.
  const body = reader ? pullStream({ read: () => reader.read() }) : null;
  const request = toRequest(incoming, body, disconnected.signal);
  const response = request === undefined
    ? new Response(null, { status: 400, headers: { "content-length": "0" } })
    : await handler(request, { remoteAddress });
  const isEarly = reader !== undefined && !incoming.complete;
  const lines = headerLines(response.headers);
  outgoing.writeHead(response.status, response.statusText, isEarly ? [...lines, "connection", "close"] : lines);
  const beforeEnd = isEarly ? () => drop(reader) : undefined;
  if (response.body === null || incoming.method === "HEAD") {
    response.body?.cancel().catch(() => {});
    if (beforeEnd) outgoing.flushHeaders();
    await beforeEnd?.();
    outgoing.end();
  } else {
    await pipeToNode(response.body, outgoing, { beforeEnd });
  }
}

/** Reads the rest of a body up to the limits. */
async function drop(reader: NodeReader): Promise<void> {
  const end = Date.now() + UNWANTED_MS;
  for (let count = 0; count < UNWANTED_BYTES && Date.now() < end;) {
    const { promise: idle, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), UNWANTED_IDLE_MS);
    const chunk = await Promise.race([reader.read().catch(() => undefined), idle]);
    clearTimeout(timer);
    if (chunk === undefined) return;
    count += chunk.length;
  }
}

/** Converts the request into a fetch `Request`; `undefined` if it is not a valid one. */
function toRequest(incoming: IncomingMessage, body: ByteStream | null, signal: AbortSignal): Request | undefined {
  const { method = "GET", url = "/" } = incoming;
  const headers = new Headers();
  const raw = incoming.rawHeaders;
  try {
    for (let i = 0; i < raw.length; i += 2) headers.append(raw[i], raw[i + 1]);
    const scheme = (incoming.socket as { encrypted?: boolean }).encrypted ? "https" : "http";
    const target = url.startsWith("/") ? `${scheme}://${incoming.headers.host ?? "localhost"}${url}` : url;
    return new Request(target, { method, headers, body, signal, ...(body && { duplex: "half" }) } as RequestInit);
  } catch {
    return undefined;
  }
}

/** Returns names and values in turn, as `writeHead` expects them, since a name may occur more than once. */
function headerLines(headers: Headers): string[] {
  const lines: string[] = [];
  for (const [name, value] of headers) lines.push(name, value);
  return lines;
}
