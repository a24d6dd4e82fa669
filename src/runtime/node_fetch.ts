import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import type { ByteStream } from "./bytes.ts";
import { requireNodeModule } from "./host.ts";
import { defaultAuthorities } from "./certificates.ts";
import { isSocks, plainTunnelAgent, type Proxy, proxyAuthorization, tunnelAgent } from "./proxy_tunnel.ts";
import { fromNodeReadable, NodeReader } from "./node_readable.ts";
import { pipeToNode } from "./node_writable.ts";

/** Connection options that plain `fetch` lacks. */
export interface ConnectionOptions {
  /**
   * Whether to accept any certificate.
   *
   * @default false
   */
  insecureTls?: boolean;
  /** Certificates in PEM to trust in addition to the default ones. */
  ca?: string;
  /** The client certificate in PEM, followed by its chain. */
  cert?: string;
  /** The private key of `cert`, in PEM. */
  key?: string;
  /** The path of a unix socket to connect to, regardless of the URL's host. */
  unixSocket?: string;
  /**
   * The proxy, or "none" for a direct connection regardless of the environment.
   *
   * @default the runtime's choice
   */
  proxy?: Proxy | "none";
}

/** Connections that are kept for later requests. */
export interface ConnectionPool {
  readonly http: Agent;
  readonly https: Agent;
}

/** One request over node:http. */
export interface NodeRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body?: ByteStream | Uint8Array | undefined;
  /** The length of a streamed body; without it, the body is sent chunked. */
  readonly contentLength?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly connection?: ConnectionOptions | undefined;
  /** The pool that provides the connection; a streamed body has a connection of its own. */
  readonly pool?: ConnectionPool | undefined;
}

/** Statuses without a body, for which `Response` accepts none. */
const nullBodyStatuses: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** Creates a pool. Idle connections do not keep the program alive. Loads nothing of TLS before it is used. */
export function connectionPool(connection: ConnectionOptions): ConnectionPool {
  let [http, https]: (Agent | undefined)[] = [];
  return {
    get http() {
      return http ??= plainAgent(connection, true);
    },
    get https() {
      return https ??= secureAgent(connection, true);
    },
  };
}

function plainAgent({ proxy }: ConnectionOptions, keepAlive: boolean): Agent {
  const http = requireNodeModule("node:http", "HTTP over node");
  return isSocks(proxy) ? plainTunnelAgent(proxy, { keepAlive }) : new http.Agent({ keepAlive });
}

function secureAgent(connection: ConnectionOptions, keepAlive: boolean): Agent {
  const https = requireNodeModule("node:https", "HTTP over node");
  const options = { keepAlive, ...tlsOptions(connection) };
  const proxy = proxyOf(connection);
  return proxy ? tunnelAgent(proxy, options) : new https.Agent(options);
}

function proxyOf({ proxy }: ConnectionOptions): Proxy | undefined {
  return proxy === "none" ? undefined : proxy;
}

/** Returns the proxy that is sent a plain request itself, with its whole URL. */
function forwarderOf(url: URL, connection: ConnectionOptions): Proxy | undefined {
  return url.protocol === "https:" || isSocks(connection.proxy) ? undefined : proxyOf(connection);
}

/**
 * Sends one request over node:http or node:https and returns the response as it is: follows no redirect and decodes
 * nothing. Unlike `fetch` it sends the length of a streamed body on Deno, does not buffer the body on Node, and accepts
 * connection options. A body that the server stops reading is cancelled.
 */
export async function nodeFetch(request: NodeRequest): Promise<Response> {
  const pool = request.body instanceof ReadableStream ? undefined : request.pool;
  if (pool === undefined) return await sendOnce(request, undefined);
  try {
    return await sendOnce(request, pool);
  } catch (error) {
    if (!(error instanceof StaleConnectionError)) throw error;
    return await sendOnce(request, undefined);
  }
}

/** A connection from the pool that the server had already closed. */
class StaleConnectionError extends Error {}

function sendOnce(request: NodeRequest, pool: ConnectionPool | undefined): Promise<Response> {
  const { url, method, body, contentLength, signal, connection = {} } = request;
  const secure = url.protocol === "https:";
  const proxy = forwarderOf(url, connection);
  const { request: start } = requireNodeModule(
    secure || proxy?.url.startsWith("https:") ? "node:https" : "node:http",
    "HTTP over node",
  );

  return new Promise<Response>((resolve, reject) => {
    const fail = (error: unknown) => {
      if (body instanceof ReadableStream && !body.locked) body.cancel(error).catch(() => {});
      reject(error);
    };
    if (signal?.aborted) return fail(signal.reason);
    const outgoing = start(proxy === undefined ? url : new URL(proxy.url), {
      method,
      agent: secure
        ? pool?.https ?? secureAgent(connection, false)
        : proxy === undefined
        ? pool?.http ?? plainAgent(connection, false)
        : false,
      headers: headersOf(request),
      // A proxy reads the whole URL.
      ...(proxy && { path: withoutCredentials(url), auth: undefined }),
      ...(connection.unixSocket !== undefined && { socketPath: connection.unixSocket }),
      ...(secure && tlsOptions(connection)),
    });
    const onAbort = () => {
      fail(signal?.reason);
      outgoing.destroy();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    outgoing.on("close", () => signal?.removeEventListener("abort", onAbort));
    outgoing.on("error", (error) => {
      fail(pool !== undefined && outgoing.reusedSocket ? new StaleConnectionError("", { cause: error }) : error);
    });

    let isRefused = false;
    outgoing.on("response", (incoming) => {
      isRefused = (incoming.statusCode ?? 0) >= 300;
      // A connection without a pool is not reused, even if the server did not read the whole body.
      if (pool === undefined) incoming.on("end", () => outgoing.destroy());
      try {
        resolve(toResponse(outgoing, incoming, request));
      } catch (error) {
        // An exception in this callback would end the process.
        fail(error);
        outgoing.destroy();
      }
    });
    if (body instanceof ReadableStream) {
      pipeToNode(body, outgoing, {
        ...(contentLength !== undefined && { length: contentLength }),
        isDone: () => isRefused,
      }).catch(fail);
    } else {
      outgoing.end(body);
    }
  });
}

function withoutCredentials(url: URL): string {
  return `${url.origin}${url.pathname}${url.search}`;
}

function headersOf({ url, headers, body, contentLength, connection = {} }: NodeRequest): Record<string, string> {
  const proxy = forwarderOf(url, connection);
  const lines: Record<string, string> = {
    ...(proxy && { host: url.host, ...proxyAuthorization(proxy) }),
    ...Object.fromEntries(headers),
  };
  delete lines["content-length"];
  const length = body instanceof Uint8Array ? body.byteLength : contentLength;
  if (body !== undefined && length !== undefined) lines["content-length"] = String(length);
  return lines;
}

/** The connection options of node:tls. */
interface NodeTlsOptions {
  rejectUnauthorized?: boolean;
  ca?: string[];
  cert?: string;
  key?: string;
}

function tlsOptions({ insecureTls, ca, cert, key }: ConnectionOptions): NodeTlsOptions {
  return {
    ...(insecureTls && { rejectUnauthorized: false }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca: [...defaultAuthorities(), ca] }),
  };
}

function toResponse(outgoing: ClientRequest, incoming: IncomingMessage, { url, signal }: NodeRequest): Response {
  const headers = new Headers();
  const raw = incoming.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i], raw[i + 1]);
  const status = incoming.statusCode ?? 0;
  if (status < 200 || status > 599) throw new TypeError(`the status of the answer is ${status}`);
  const init = { status, statusText: incoming.statusMessage ?? "", headers };
  if (nullBodyStatuses.has(status)) {
    incoming.resume();
    return withUrl(new Response(null, init), url.href);
  }
  const reader = new NodeReader(incoming);
  const onAbort = () => {
    reader.fail(signal?.reason);
    outgoing.destroy();
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  incoming.on("close", () => signal?.removeEventListener("abort", onAbort));
  return withUrl(new Response(fromNodeReadable(incoming, reader), init), url.href);
}

/** Sets the URL of a `Response`, which its constructor leaves empty. */
export function withUrl(response: Response, url: string): Response {
  return Object.defineProperty(response, "url", { value: url });
}
