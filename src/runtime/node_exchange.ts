import type { IncomingMessage, ServerResponse } from "node:http";
import { NodeReader } from "./node_readable.ts";
import { pipeToNode } from "./node_writable.ts";
import { pullStream } from "./pull_stream.ts";

/** Answers one request of node:http with a fetch handler. It fails where the handler or the body of its answer does. */
export async function answerNode(
  handler: (request: Request, peer: { remoteAddress?: string }) => Response | Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const disconnected = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) disconnected.abort(new DOMException("The client went away", "AbortError"));
  });
  const { remoteAddress } = incoming.socket; // forgotten once the connection is gone
  const body = new NodeReader(incoming);
  const request = toRequest(incoming, body, disconnected.signal);
  if (request === undefined) {
    outgoing.writeHead(400, { "content-length": 0 }).end();
    return;
  }
  const response = await handler(request, { remoteAddress });
  // What is left of the request's body stands between this answer and the next request of the connection.
  const isEarly = !incoming.complete && !body.isOver;
  const lines = headerLines(response.headers);
  if (isEarly) lines.push("connection", "close");
  outgoing.writeHead(response.status, response.statusText, lines);
  if (response.body === null || incoming.method === "HEAD") {
    response.body?.cancel().catch(() => {});
    if (isEarly) await linger(incoming, outgoing, body);
    outgoing.end();
  } else {
    await pipeToNode(response.body, outgoing, {
      beforeEnd: () => isEarly ? linger(incoming, outgoing, body) : undefined,
    });
  }
}

/** How much of a request's body is thrown away after an answer that came before its end. */
const LINGER = { bytes: 1024 ** 3, ms: 30_000 };

/**
 * Takes what a client goes on sending after it was answered. A connection that is closed instead is reset, and a client
 * that sends all of its body before it reads would lose the answer.
 */
async function linger(incoming: IncomingMessage, outgoing: ServerResponse, body: NodeReader): Promise<void> {
  outgoing.flushHeaders();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LINGER.ms);
    let count = 0;
    for (const event of ["end", "close", "error"]) incoming.once(event, () => resolve());
    outgoing.once("close", () => resolve());
    body.discard(({ length }) => {
      if ((count += length) > LINGER.bytes) resolve();
    });
    outgoing.once("close", () => clearTimeout(timer));
    incoming.once("close", () => clearTimeout(timer));
    incoming.once("end", () => clearTimeout(timer));
  });
}

/** The request as fetch has it; `undefined` where it can't be one. */
function toRequest(incoming: IncomingMessage, reader: NodeReader, signal: AbortSignal): Request | undefined {
  const { method = "GET", url = "/" } = incoming;
  const headers = new Headers();
  const raw = incoming.rawHeaders;
  const hasBody = method !== "GET" && method !== "HEAD";
  try {
    for (let i = 0; i < raw.length; i += 2) headers.append(raw[i], raw[i + 1]);
    const scheme = (incoming.socket as { encrypted?: boolean }).encrypted ? "https" : "http";
    const target = url.startsWith("/") ? `${scheme}://${incoming.headers.host ?? "localhost"}${url}` : url;
    // Who cancels a request's body still owes the client an answer, so the connection stays.
    const body = hasBody ? pullStream({ read: () => reader.read(), cancel: () => reader.discard() }) : null;
    return new Request(target, { method, headers, body, signal, ...(hasBody && { duplex: "half" }) } as RequestInit);
  } catch {
    return undefined;
  }
}

/** Names and values in turn, as `writeHead` takes them: a name may come more than once. */
function headerLines(headers: Headers): string[] {
  const lines: string[] = [];
  for (const [name, value] of headers) lines.push(name, value);
  return lines;
}
