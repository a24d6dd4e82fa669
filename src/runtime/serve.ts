import type { RequestListener, Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { requireNodeModule } from "./host.ts";
import { answerNode } from "./node_exchange.ts";

/** Facts about a request that the request itself does not contain. */
export interface PeerInfo {
  /** The address of the client's end of the connection. */
  readonly remoteAddress?: string;
}

/** Answers one request. */
export type FetchHandler = (request: Request, peer: PeerInfo) => Response | Promise<Response>;

/** A TLS certificate and its key, as PEM. */
export interface TlsCertificate {
  /** The certificate, followed by its chain. */
  readonly cert: string;
  /** Its private key. */
  readonly key: string;
}

/** Options of {@linkcode serveFetch}. */
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
   * The certificate for HTTPS.
   *
   * @default none: plain HTTP
   */
  tls?: TlsCertificate;
  /**
   * Called with an error of the handler or of the body of its response. The client receives status 500 or a cut
   * connection, without details.
   */
  onError?: (error: unknown) => void;
}

/** A running server. */
export interface Server {
  /** The address that it listens on. */
  readonly hostname: string;
  /** The port that it listens on. */
  readonly port: number;
  /** The root URL, for example `http://127.0.0.1:5000`, without a slash at the end. */
  readonly url: string;
  /** Stops accepting requests and waits for those in progress. */
  shutdown(): Promise<void>;
  /** Closes every connection immediately. */
  close(): Promise<void>;
}

/**
 * Serves HTTP/1.1, over TLS or not, with a fetch handler. Bodies stream in both directions with backpressure.
 * `request.signal` aborts if the client disconnects before it has the whole response. A handler may respond before it
 * has read the whole body: the client receives the response, and the connection is closed. A response to HEAD keeps its
 * `Content-Length`, regardless of its body.
 *
 * Uses node:http on every runtime: Bun's own server sends each stream chunked, regardless of its `Content-Length`, and
 * Deno's does not distinguish a response that was cut from a complete one.
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

/** Creates a server of node without a request timeout, as an upload may take hours. */
function createServer(tls: TlsCertificate | undefined, listener: RequestListener): HttpServer | HttpsServer {
  return tls
    ? requireNodeModule("node:https", "Serving HTTPS").createServer({ ...tls, requestTimeout: 0 }, listener)
    : requireNodeModule("node:http", "Serving HTTP").createServer({ requestTimeout: 0 }, listener);
}
