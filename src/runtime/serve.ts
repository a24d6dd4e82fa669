import { bunHost, type BunServer, denoHost } from "./host.ts";
import { serveNode } from "./serve_node.ts";

/** Answers one request. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

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
  /** Hears of what the handler throws; the client is told 500 and no more. */
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

/** A runtime's own server. */
interface HostServer {
  readonly port: number;
  shutdown(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Serves HTTP/1.1 with a fetch handler. Bodies stream both ways, and a client that reads slowly slows the handler down.
 * `request.signal` aborts when the client goes away before it has the whole answer. An answer to HEAD keeps its
 * `Content-Length`, whatever the length of its body.
 */
export async function serveFetch(handler: FetchHandler, options: ServeOptions = {}): Promise<Server> {
  const { hostname = "127.0.0.1", port = 0, onError } = options;
  const answer = async (request: Request): Promise<Response> => {
    try {
      const response = await handler(request);
      return request.method === "HEAD" ? withoutBody(response) : response;
    } catch (error) {
      onError?.(error);
      return new Response("Internal Server Error\n", { status: 500, headers: { "content-type": "text/plain" } });
    }
  };
  const server = await start(answer, hostname, port);
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    hostname,
    port: server.port,
    url: `http://${host}:${server.port}`,
    shutdown: () => server.shutdown(),
    close: () => server.close(),
  };
}

type AsyncHandler = (request: Request) => Promise<Response>;

function start(handler: AsyncHandler, hostname: string, port: number): HostServer | Promise<HostServer> {
  const deno = denoHost();
  if (deno !== undefined) return serveDeno(deno, handler, hostname, port);
  const bun = bunHost();
  if (bun !== undefined) return serveBun(bun, handler, hostname, port);
  return serveNode(handler, hostname, port);
}

/** The answer to HEAD: Bun replaces the `Content-Length` of one that has a body. */
function withoutBody(response: Response): Response {
  if (response.body === null) return response;
  response.body.cancel().catch(() => {});
  return new Response(null, { status: response.status, statusText: response.statusText, headers: response.headers });
}

function serveDeno(deno: typeof Deno, handler: AsyncHandler, hostname: string, port: number): HostServer {
  const cut = new AbortController();
  const server = deno.serve({ hostname, port, signal: cut.signal, onListen() {} }, (request, info) => {
    // Deno's own signal also aborts after a whole answer, and warns on standard error when it is touched.
    let disconnected: AbortController | undefined;
    const signal = () => {
      if (disconnected === undefined) {
        const controller = disconnected = new AbortController();
        info.completed.catch((error) => controller.abort(error));
      }
      return disconnected.signal;
    };
    return handler(Object.defineProperty(request, "signal", { get: signal }));
  });
  return {
    port: server.addr.port,
    shutdown: () => server.shutdown(),
    async close() {
      cut.abort();
      await server.finished;
    },
  };
}

function serveBun(
  bun: { serve(options: Record<string, unknown>): BunServer },
  handler: AsyncHandler,
  hostname: string,
  port: number,
): HostServer {
  const server = bun.serve({
    hostname,
    port,
    fetch: handler,
    development: false,
    // No limit: a registry takes blobs of any size, over links of any speed.
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  });
  return {
    port: server.port,
    shutdown: () => server.stop(false),
    close: () => server.stop(true),
  };
}
