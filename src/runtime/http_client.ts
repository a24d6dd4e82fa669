import type { Bytes, ByteStream } from "./bytes.ts";
import { denoHost, notSupported, runtimeName } from "./host.ts";
import { defaultAuthorities } from "./certificates.ts";
import { type ConnectionOptions, type ConnectionPool, connectionPool, nodeFetch, withUrl } from "./node_fetch.ts";
import { credentialsOf, isSocks, type Proxy } from "./proxy_tunnel.ts";
import { gunzipStream } from "./zlib.ts";

/** Options of {@linkcode runtimeFetch}. */
export type RuntimeFetchOptions = ConnectionOptions;

/** The member of a `fetch` from here that holds its options, so that an upload uses the same connection. */
const CONNECTION = Symbol("connection");
/** The member of a `fetch` that chooses another one for each URL. */
const ROUTE = Symbol("route");

type Route = (url: URL) => Promise<typeof fetch>;

let standardFetch: typeof fetch | undefined;

/**
 * Creates a `fetch` with connection options. Without options it is the runtime's own, on Deno restricted to HTTP/1.1,
 * which doubles the speed of blobs over TLS, and on Node.js one over node:http: Node's own closes its connection after
 * each HEAD, decodes a body that was not to be encoded, and waits for at most five minutes. On Node.js, and on Deno with
 * options, it follows no redirect: it returns the response with `redirect: "manual"`, and else fails.
 *
 * A body with a `Content-Encoding` is decoded, unless the request has `decompress: false`, which is Bun's name, and
 * `Accept-Encoding: identity`, which Deno looks at; see {@linkcode keepsEncoding}.
 */
export function runtimeFetch(options: RuntimeFetchOptions = {}): typeof fetch {
  return isSpecial(options)
    ? connecting(specialFetch(options), options)
    : standardFetch ??= connecting(plainFetch(), {});
}

/** Creates a `fetch` that sends each request by the one that `route` returns for its URL. */
export function routedFetch(route: Route): typeof fetch {
  const routed: typeof fetch = async (input, init) => {
    const chosen = await route(new URL(input instanceof Request ? input.url : input));
    return await chosen(input, init);
  };
  return Object.assign(routed, { [ROUTE]: route });
}

/** Returns the `fetch` that sends requests to a URL: for one of {@linkcode routedFetch} its choice, else the same. */
export async function fetchAt(fetcher: typeof fetch, url: string | URL): Promise<typeof fetch> {
  const route = (fetcher as Partial<Record<typeof ROUTE, Route>>)[ROUTE];
  return route === undefined ? fetcher : await route(new URL(url));
}

/** Returns the proxy of a `fetch` for a URL, if it is from this room and has one. */
export async function proxyAt(fetcher: typeof fetch, url: string | URL): Promise<Proxy | undefined> {
  const proxy = connectionOf(await fetchAt(fetcher, url))?.proxy;
  return proxy === "none" ? undefined : proxy;
}

/** Returns the connection options of a `fetch` from this room, or `undefined` for any other. */
export function connectionOf(fetcher: typeof fetch): ConnectionOptions | undefined {
  return fetcher === globalThis.fetch
    ? {}
    : (fetcher as Partial<Record<typeof CONNECTION, ConnectionOptions>>)[CONNECTION];
}

function connecting(fetcher: typeof fetch, options: ConnectionOptions): typeof fetch {
  return Object.assign(fetcher, { [CONNECTION]: options });
}

/** Returns whether any option is set. */
function isSpecial(connection: ConnectionOptions): boolean {
  return Object.values(connection).some((value) => value !== undefined && value !== false);
}

/** Returns whether Deno's own `fetch` has a client for the options. */
export function isForDenosClient({ insecureTls, unixSocket, proxy }: ConnectionOptions): boolean {
  return !insecureTls && unixSocket === undefined && proxy !== "none" && !isSocks(proxy);
}

/** Returns whether only node:http can connect as the options demand, on a runtime with a `fetch` of its own. */
export function needsNode(connection: ConnectionOptions): boolean {
  return runtimeName() === "deno" ? !isForDenosClient(connection) : isSocks(connection.proxy);
}

/**
 * Returns whether a `fetch` sends the untouched body of a response, or a file, without passing its bytes through
 * JavaScript: Deno's own `fetch` does, and Bun's without connection options of this room.
 */
export function passesBodies(fetcher: typeof fetch): boolean {
  const connection = connectionOf(fetcher);
  if (connection === undefined) return false;
  const runtime = runtimeName();
  return runtime === "deno" ? isForDenosClient(connection) : runtime === "bun" && !isSpecial(connection);
}

/** Returns whether a `fetch` returns a body as it was sent if the request demands that; others always decode it. */
export function keepsEncoding(fetcher: typeof fetch): boolean {
  const runtime = runtimeName();
  if (runtime === "node") return fetcher !== globalThis.fetch && connectionOf(fetcher) !== undefined;
  return runtime === "deno" || runtime === "bun";
}

function plainFetch(): typeof fetch {
  const deno = denoHost();
  if (deno !== undefined) return denoFetchFunction(deno, {});
  return runtimeName() === "node" ? nodeFetchFunction({}) : (input, init) => globalThis.fetch(input, init);
}

function specialFetch(options: ConnectionOptions): typeof fetch {
  const runtime = runtimeName();
  if (runtime === "web" || runtime === "workerd") {
    throw notSupported("A choice of certificates, a proxy or a unix socket");
  }
  const deno = denoHost();
  if (runtime === "node" || needsNode(options)) return nodeFetchFunction(options);
  return deno === undefined ? bunFetchFunction(options) : denoFetchFunction(deno, options);
}

function denoFetchFunction(deno: typeof Deno, { ca, cert, key, proxy }: ConnectionOptions): typeof fetch {
  let client: Deno.HttpClient | undefined;
  return (input, init) => {
    client ??= deno.createHttpClient({
      // Drops idle connections before servers do that close them after 5 s, as Node's does, so that a request never
      // gets one that is being closed.
      poolIdleTimeout: 4000,
      http2: false,
      ...(ca !== undefined && { caCerts: [ca] }),
      ...(cert !== undefined && { cert, key: key ?? cert }),
      ...(typeof proxy === "object" && { proxy: denoProxy(proxy) }),
    });
    const withClient: RequestInit & { client: Deno.HttpClient } = { ...init, client };
    return globalThis.fetch(input, withClient);
  };
}

function denoProxy({ url }: Proxy): Deno.Proxy {
  const { username, password } = credentialsOf(url);
  const { origin, protocol } = new URL(url);
  return {
    transport: protocol === "https:" ? "https" : "http",
    url: origin,
    ...(username !== "" || password !== "" ? { basicAuth: { username, password } } : {}),
  };
}

function bunFetchFunction({ insecureTls, unixSocket, proxy, ca, cert, key }: ConnectionOptions): typeof fetch {
  const tls = {
    ...(insecureTls && { rejectUnauthorized: false }),
    ...(ca !== undefined && { ca: [...defaultAuthorities(), ca] }),
    ...(cert !== undefined && { cert, key: key ?? cert }),
  };
  const extra = {
    ...(unixSocket !== undefined && { unix: unixSocket }),
    // `false` is a direct connection regardless of the environment.
    ...(proxy !== undefined && { proxy: proxy === "none" ? false : proxy.url }),
    ...(Object.keys(tls).length > 0 && { tls }),
  };
  return (input, init) => globalThis.fetch(input, { ...init, ...extra } as RequestInit);
}

function nodeFetchFunction(connection: ConnectionOptions): typeof fetch {
  let pool: ConnectionPool | undefined;
  return async (input, init) => {
    const streams = init?.body instanceof ReadableStream;
    const withDuplex: RequestInit & { duplex?: string } = { ...init, ...(streams && { duplex: "half" }) };
    const request = new Request(input, withDuplex);
    const response = await nodeFetch({
      url: new URL(request.url),
      method: request.method,
      headers: request.headers,
      body: await bodyOf(request, streams),
      signal: request.signal,
      connection,
      pool: pool ??= connectionPool(connection),
    });
    if (request.redirect !== "manual" && response.headers.has("location") && isRedirect(response.status)) {
      await response.body?.cancel();
      throw new TypeError(`a redirect of ${request.url} is not followed: ask with redirect "manual"`);
    }
    const { decompress = true } = (init ?? {}) as { decompress?: boolean };
    return decompress && request.method !== "HEAD" && isGzip(response.headers) ? decoded(response) : response;
  };
}

/** Returns whether the body of a response is encoded with gzip (RFC 9110, section 8.4.1.3). */
export function isGzip(headers: Headers): boolean {
  return /^(x-)?gzip$/i.test(headers.get("content-encoding") ?? "");
}

function decoded(response: Response): Response {
  if (response.body === null) return response;
  const { status, statusText, url } = response;
  const headers = new Headers(response.headers);
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  return withUrl(new Response(gunzipStream(response.body as ByteStream), { status, statusText, headers }), url);
}

async function bodyOf(request: Request, streams: boolean): Promise<ByteStream | Bytes | undefined> {
  if (request.body === null) return undefined;
  return streams ? request.body as ByteStream : new Uint8Array(await request.arrayBuffer());
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}
