import type { Bytes, ByteStream } from "./bytes.ts";
import { denoHost, notSupported, runtimeName } from "./host.ts";
import { type ConnectionOptions, type ConnectionPool, connectionPool, nodeFetch } from "./node_fetch.ts";

/** Options of {@linkcode runtimeFetch}. */
export type RuntimeFetchOptions = ConnectionOptions;

/** The member of a `fetch` from here that holds its options, so that an upload uses the same connection. */
const CONNECTION = Symbol("connection");

let standardFetch: typeof fetch | undefined;

/**
 * Creates a `fetch` with connection options. Without options it is the runtime's own, on Deno restricted to HTTP/1.1,
 * which doubles the speed of blobs over TLS. With options it never follows a redirect on Deno and Node: it returns the
 * response with `redirect: "manual"`, and else fails.
 */
export function runtimeFetch(options: RuntimeFetchOptions = {}): typeof fetch {
  const { insecureTls = false, ca, cert, key, unixSocket } = options;
  const isPlain = !insecureTls && [ca, cert, key, unixSocket].every((option) => option === undefined);
  return isPlain ? standardFetch ??= connecting(plainFetch(), {}) : connecting(specialFetch(options), options);
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

/**
 * Returns whether a `fetch` sends the untouched body of a response, or a file, without passing its bytes through
 * JavaScript: Deno's and Bun's own `fetch` do, without connection options of this room.
 */
export function passesBodies(fetcher: typeof fetch): boolean {
  const runtime = runtimeName();
  if (runtime !== "deno" && runtime !== "bun") return false;
  const connection = connectionOf(fetcher);
  return connection !== undefined && Object.values(connection).every((value) => value === undefined || value === false);
}

function plainFetch(): typeof fetch {
  const deno = denoHost();
  if (deno === undefined) return (input, init) => globalThis.fetch(input, init);
  let client: Deno.HttpClient | undefined;
  return (input, init) => {
    // Drops idle connections before servers do that close them after 5 s, as Node's does, so that a request never gets
    // one that is being closed.
    client ??= deno.createHttpClient({ http2: false, poolIdleTimeout: 4000 });
    const withClient: RequestInit & { client: Deno.HttpClient } = { ...init, client };
    return globalThis.fetch(input, withClient);
  };
}

function specialFetch(options: ConnectionOptions): typeof fetch {
  const runtime = runtimeName();
  if (runtime === "web" || runtime === "workerd") throw notSupported("A choice of certificates or a unix socket");
  return runtime === "bun" ? bunFetchFunction(options) : nodeFetchFunction(options);
}

function bunFetchFunction({ insecureTls, unixSocket, ...certificates }: ConnectionOptions): typeof fetch {
  const extra = {
    ...(unixSocket !== undefined && { unix: unixSocket }),
    tls: { ...(insecureTls && { rejectUnauthorized: false }), ...certificates },
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
    return response;
  };
}

async function bodyOf(request: Request, streams: boolean): Promise<ByteStream | Bytes | undefined> {
  if (request.body === null) return undefined;
  return streams ? request.body as ByteStream : new Uint8Array(await request.arrayBuffer());
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}
