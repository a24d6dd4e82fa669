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

type NodeServer = HttpServer | HttpsServer;

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
   * The time for which an idle connection stays open, in milliseconds.
   * @default 75000, longer than the usual 60 seconds of load balancers, which else meet connections that just closed
   */
  keepAliveMs?: number;
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
  /**
   * Uses another certificate for new connections.
   *
   * @throws {TypeError} if it is malformed, or its key is that of another; the one before stays.
   */
  setCertificate(tls: TlsCertificate): Promise<void>;
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
  const { hostname = "127.0.0.1", port = 0, tls, keepAliveMs = 75_000, onError } = options;
  let isDraining = false;
  const answer: FetchHandler = async (request, peer) => {
    try {
      return await handler(request, peer);
    } catch (error) {
      onError?.(error);
      return new Response("Internal Server Error\n", { status: 500, headers: { "content-type": "text/plain" } });
    }
  };
  const open = new Map<NodeServer, Promise<void>>();
  const closed = async () => void await Promise.all(open.values());
  const listen = async (tls: TlsCertificate | undefined, port: number): Promise<NodeServer> => {
    const server = createServer({ tls, keepAliveMs }, (incoming, outgoing) => {
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
    open.set(server, new Promise((resolve) => server.once("close", resolve)));
    return server;
  };
  // Fails for a name that does not resolve, of which Bun's servers report an unrelated error of the system.
  await requireNodeModule("node:dns/promises", "Serving HTTP").lookup(hostname);
  let server = await listen(tls, port);
  const actualPort = (server.address() as AddressInfo).port;
  return {
    hostname,
    port: actualPort,
    url: `${tls ? "https" : "http"}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${actualPort}`,
    async setCertificate(tls) {
      checkCertificate(tls);
      if ("setSecureContext" in server) return server.setSecureContext(tls);
      // Bun's server can't change its certificate, so another one takes its port; requests in progress go on.
      server.close();
      server = await listen(tls, actualPort);
    },
    shutdown() {
      isDraining = true;
      for (const each of open.keys()) {
        each.close();
        each.closeIdleConnections();
      }
      return closed();
    },
    close() {
      for (const each of open.keys()) {
        each.close();
        each.closeAllConnections();
      }
      return closed();
    },
  };
}

/** Creates a server of node without a request timeout, as an upload may take hours. */
function createServer(
  { tls, keepAliveMs }: { tls: TlsCertificate | undefined; keepAliveMs: number },
  listener: RequestListener,
): NodeServer {
  const options = { requestTimeout: 0, keepAliveTimeout: keepAliveMs };
  return tls
    ? requireNodeModule("node:https", "Serving HTTPS").createServer({ ...tls, ...options }, listener)
    : requireNodeModule("node:http", "Serving HTTP").createServer(options, listener);
}

/** Checks a certificate, which not every runtime does before the first connection. @throws {TypeError} if it is unfit. */
function checkCertificate({ cert, key }: TlsCertificate): void {
  const { X509Certificate, createPrivateKey } = requireNodeModule("node:crypto", "Serving HTTPS");
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new TypeError("the certificate or its private key is not PEM", { cause });
  }
  if (!fits) throw new TypeError("the private key is not that of the certificate");
}
