import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { requireNodeModule } from "./host.ts";
import { fromNodeReadable } from "./node_readable.ts";
import { pipeToNode } from "./node_writable.ts";

/** Serves a fetch handler, which must not throw, with node:http. */
export async function serveNode(
  handler: (request: Request) => Promise<Response>,
  hostname: string,
  port: number,
): Promise<{ port: number; shutdown(): Promise<void>; close(): Promise<void> }> {
  const http = requireNodeModule("node:http", "Serving HTTP");
  let draining = false;
  // An upload may take hours.
  const server = http.createServer({ requestTimeout: 0 }, (incoming, outgoing) => {
    outgoing.on("close", () => {
      if (draining) server.closeIdleConnections();
    });
    answer(handler, incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, resolve);
  });
  const closed = new Promise<void>((resolve) => server.once("close", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    shutdown() {
      draining = true;
      server.close();
      server.closeIdleConnections();
      return closed;
    },
    close() {
      server.close();
      server.closeAllConnections();
      return closed;
    },
  };
}

async function answer(
  handler: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const disconnected = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) disconnected.abort(new DOMException("The client went away", "AbortError"));
  });
  const request = toRequest(incoming, disconnected.signal);
  if (request === undefined) {
    outgoing.writeHead(400, { "content-length": 0 }).end();
    return;
  }
  const response = await handler(request);
  outgoing.writeHead(response.status, response.statusText, headerLines(response.headers));
  if (response.body === null || incoming.method === "HEAD") {
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
    const target = url.startsWith("/") ? `http://${incoming.headers.host ?? "localhost"}${url}` : url;
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
