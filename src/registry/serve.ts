import { type PeerInfo, serveFetch, type TlsCertificate } from "../runtime/mod.ts";
import { fileStore } from "./stores/file/file_store.ts";
import { memoryStore } from "./stores/memory_store.ts";
import { createRegistry, type RegistryOptions } from "./registry.ts";

/** Options of {@linkcode serveRegistry}. */
export interface ServeRegistryOptions extends RegistryOptions {
  /**
   * The name or address to listen on.
   * @default "127.0.0.1"
   */
  hostname?: string;
  /**
   * The port to listen on; 0 takes a free one.
   * @default 0
   */
  port?: number;
  /**
   * The directory to keep the content in, where no `store` is given.
   * @default none: the content is in memory, and gone with the process
   */
  disk?: string;
  /**
   * The header in which a proxy in front names the address of the client, `X-Forwarded-For` for example; of several the
   * last one counts, which is what that proxy saw. Wrong passwords are counted by address.
   * @default none: the other end of the connection is the client
   */
  addressHeader?: string;
  /**
   * Serves HTTPS with this certificate.
   * @default none: plain HTTP
   */
  tls?: TlsCertificate;
  /**
   * Stops the server, and with it what is in flight.
   * @default none
   */
  signal?: AbortSignal;
}

/** Options of {@linkcode RegistryServer.shutdown}. */
export interface ShutdownOptions {
  /**
   * For how many milliseconds to wait for what is in flight before it is cut off.
   * @default as long as it takes
   */
  patience?: number;
}

/** A registry that listens. */
export interface RegistryServer {
  /** Where it listens, without a slash at the end: `http://127.0.0.1:5000`. */
  readonly url: string;
  /** The host that it listens on. */
  readonly hostname: string;
  /** The port that it listens on. */
  readonly port: number;
  /** Settles when the server has stopped. */
  readonly finished: Promise<void>;
  /** Takes no new requests and waits for those in flight; whether all of them came to their end. */
  shutdown(options?: ShutdownOptions): Promise<boolean>;
}

/** Starts a registry on a port, over HTTP or HTTPS, with its content in memory, on a disk or in a store of your own. */
export async function serveRegistry(options: ServeRegistryOptions = {}): Promise<RegistryServer> {
  const { hostname = "127.0.0.1", port = 0, disk, addressHeader, tls, signal, ...rest } = options;
  signal?.throwIfAborted();
  const store = rest.store ?? (disk === undefined ? memoryStore() : fileStore(disk));
  const registry = createRegistry({ ...rest, store });
  const handler = (request: Request, { remoteAddress }: PeerInfo) => {
    const named = addressHeader && request.headers.get(addressHeader)?.split(",").at(-1)?.trim();
    return registry.handle(request, { address: named || remoteAddress });
  };
  const server = await serveFetch(handler, {
    hostname,
    port,
    tls,
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
