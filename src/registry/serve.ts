import { type PeerInfo, serveFetch, type TlsCertificate } from "../runtime/mod.ts";
import { fileStore } from "./stores/file/file_store.ts";
import { memoryStore } from "./stores/memory_store.ts";
import { writeProbe } from "./http/health.ts";
import { createRegistry, type RegistryOptions } from "./registry.ts";

/** Options of {@linkcode serveRegistry}. */
export interface ServeRegistryOptions extends RegistryOptions {
  /**
   * The host name or address to listen on.
   * @default "127.0.0.1"
   */
  hostname?: string;
  /**
   * The port to listen on; 0 chooses a free one.
   * @default 0
   */
  port?: number;
  /**
   * The directory to keep the content in, if there is no `store`.
   * @default none: the content is in memory and lost with the process
   */
  disk?: string;
  /**
   * The header in which a proxy in front of the server names the address of the client, such as `X-Forwarded-For`; its
   * last address counts, which that proxy added. Wrong passwords are counted by address. With it, the `X-Forwarded-Proto`
   * of the proxy is trusted too: `https` makes the URL of the token service start with it.
   * @default none: the address is that of the connection
   */
  addressHeader?: string;
  /**
   * Serves HTTPS with this certificate.
   * @default none: plain HTTP
   */
  tls?: TlsCertificate;
  /**
   * The time for which an idle connection stays open, in milliseconds. It has to be longer than a load balancer in front
   * keeps its connections.
   * @default 75000
   */
  keepAliveMs?: number;
  /**
   * Stops the server and cuts off the requests in flight.
   * @default none
   */
  signal?: AbortSignal;
}

/** Options of {@linkcode RegistryServer.shutdown}. */
export interface ShutdownOptions {
  /**
   * For how many milliseconds to wait for the requests in flight before they are cut off.
   * @default without a limit
   */
  patience?: number;
}

/** A registry that listens. */
export interface RegistryServer {
  /** The URL where it listens, without a slash at the end: `http://127.0.0.1:5000`. */
  readonly url: string;
  /** The host that it listens on. */
  readonly hostname: string;
  /** The port that it listens on. */
  readonly port: number;
  /** Resolves when the server has stopped. */
  readonly finished: Promise<void>;
  /**
   * Uses another certificate for new connections; requests in flight go on.
   *
   * @throws {TypeError} if it is malformed, or its key is that of another; the one before stays.
   */
  setCertificate(tls: TlsCertificate): Promise<void>;
  /** Accepts no new requests and waits for those in flight; returns whether all of them were completed. */
  shutdown(options?: ShutdownOptions): Promise<boolean>;
}

/**
 * Starts a registry on a port, over HTTP or HTTPS, with its content in memory, in a directory or in another store.
 *
 * @throws {StoreError} if the store can't be written to, unless the registry is `readOnly`.
 */
export async function serveRegistry(options: ServeRegistryOptions = {}): Promise<RegistryServer> {
  const { hostname = "127.0.0.1", port = 0, disk, addressHeader, tls, keepAliveMs, signal, ...rest } = options;
  signal?.throwIfAborted();
  const store = rest.store ?? (disk === undefined ? memoryStore() : fileStore(disk));
  const registry = createRegistry({ ...rest, store });
  if (!rest.readOnly) await writeProbe(store, { signal });
  const handler = (request: Request, { remoteAddress }: PeerInfo) => {
    const named = addressHeader && request.headers.get(addressHeader)?.split(",").at(-1)?.trim();
    const scheme = addressHeader && request.headers.get("X-Forwarded-Proto")?.split(",").at(-1)?.trim();
    return registry.handle(request, { address: named || remoteAddress, isSecure: scheme === "https" });
  };
  const server = await serveFetch(handler, {
    hostname,
    port,
    tls,
    keepAliveMs,
    onError: (error) => rest.onError?.(error),
  });
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  finished.catch(() => {});
  const stop = () => void server.close().then(resolve, reject);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  return {
    url: server.url.replace(/\/$/, ""),
    hostname: server.hostname,
    port: server.port,
    finished,
    setCertificate: (tls) => server.setCertificate(tls),
    async shutdown({ patience } = {}) {
      signal?.removeEventListener("abort", stop);
      let drained = true;
      const limit = patience === undefined ? undefined : setTimeout(() => {
        drained = false;
        server.close().catch(() => {});
      }, patience);
      await server.shutdown();
      clearTimeout(limit);
      resolve();
      return drained;
    },
  };
}
