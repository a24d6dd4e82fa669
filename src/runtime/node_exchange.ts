import type { IncomingMessage, ServerResponse } from "node:http";
import { fromNodeReadable } from "./node_readable.ts";
import { pipeToNode } from "./node_writable.ts";

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
  const request = toRequest(incoming, disconnected.signal);
  if (request === undefined) {
    outgoing.writeHead(400, { "content-length": 0 }).end();
    return;
  }
  const response = await handler(request, { remoteAddress });
  outgoing.writeHead(response.status, response.statusText, headerLines(response.headers));
  if (response.body === null || incoming.method === "HEAD") {
    response.body?.cancel().catch(() => {});
    outgoing.end();
  } else {
    await pipeToNode(response.body, outgoing);
  }
}

/** The request as fetch has it; `undefined` where it can't be one. */
function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = "GET", url = "/" } = incoming;
  const headers = new Headers();
  const raw = incoming.rawHeaders;
  const hasBody = method !== "GET" && method !== "HEAD";
  try {
    for (let i = 0; i < raw.length; i += 2) headers.append(raw[i], raw[i + 1]);
    const scheme = (incoming.socket as { encrypted?: boolean }).encrypted ? "https" : "http";
    const target = url.startsWith("/") ? `${scheme}://${incoming.headers.host ?? "localhost"}${url}` : url;
    const body = hasBody ? fromNodeReadable(incoming) : null;
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
