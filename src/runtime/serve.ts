import type { RequestListener, Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { requireNodeModule } from "./host.ts";
import { answerNode } from "./node_exchange.ts";

/** What is known of a request besides what it says itself. */
export interface PeerInfo {
  /** The address of the other end of the connection. */
  readonly remoteAddress?: string;
}

/** Answers one request. */
export type FetchHandler = (request: Request, peer: PeerInfo) => Response | Promise<Response>;

/** What TLS needs, as PEM. */
export interface TlsCertificate {
  /** The certificate, followed by those that lead to its root. */
  readonly cert: string;
  /** Its private key. */
  readonly key: string;
}

/** Where to listen. */
export interface ServeOptions {
  /**
   * The address to listen on.
   * @default "127.0.0.1"
   */
  hostname?: string;
  /**
   * The port; 0 takes a free one.
   * @default 0
   */
  port?: number;
  /**
   * Serves HTTPS with this certificate.
   * @default none: plain HTTP
   */
  tls?: TlsCertificate;
  /** Hears of what the handler throws, or the body of its answer; the client is told 500, or cut off, and no more. */
  onError?: (error: unknown) => void;
}

/** A server that listens. */
export interface Server {
  /** The address that it listens on. */
  readonly hostname: string;
  /** The port that it listens on. */
  readonly port: number;
  /** Its root, `http://127.0.0.1:5000` for example, without a slash at the end. */
  readonly url: string;
  /** Takes no more requests and waits for those in flight. */
  shutdown(): Promise<void>;
  /** Cuts every connection. */
  close(): Promise<void>;
}

/**
 * Serves HTTP/1.1, over TLS or not, with a fetch handler. Bodies stream both ways, and a client that reads slowly slows the handler down.
 * `request.signal` aborts when the client goes away before it has the whole answer. A handler may answer before it has
 * read the whole body: the client gets that answer, and the connection is closed. An answer to HEAD keeps its
 * `Content-Length`, whatever the length of its body.
 *
 * It is node:http on every runtime: Bun's own server sends each stream chunked, whatever its `Content-Length`, and
 * Deno's does not tell an answer that was cut from a whole one.
 */
export async function serveFetch(handler: FetchHandler, options: ServeOptions = {}): Promise<Server> {
  const { hostname = "127.0.0.1", port = 0, tls, onError } = options;
  let isDraining = false;
  const answer: FetchHandler = async (request, peer) => {
    try {
      return await handler(request, peer);
    } catch (error) {
      onError?.(error);
      return new Response("Internal Server Error\n", { status: 500, headers: { "content-type": "text/plain" } });
    }
  };
  const server = createServer(tls, (incoming, outgoing) => {
    outgoing.on("close", () => {
      if (isDraining) server.closeIdleConnections();
    });
    answerNode(answer, incoming, outgoing).catch((error) => {
      onError?.(error);
      outgoing.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, resolve);
  });
  const closed = new Promise<void>((resolve) => server.once("close", resolve));
  const actualPort = (server.address() as AddressInfo).port;
  return {
    hostname,
    port: actualPort,
    url: `${tls ? "https" : "http"}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${actualPort}`,
    shutdown() {
      isDraining = true;
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

/** Returns a server of node. No limit on the time of a request: an upload may take hours. */
function createServer(tls: TlsCertificate | undefined, listener: RequestListener): HttpServer | HttpsServer {
  return tls
    ? requireNodeModule("node:https", "Serving HTTPS").createServer({ ...tls, requestTimeout: 0 }, listener)
    : requireNodeModule("node:http", "Serving HTTP").createServer({ requestTimeout: 0 }, listener);
}
