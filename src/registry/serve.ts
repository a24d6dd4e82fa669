import { serveFetch } from "../runtime/mod.ts";
import { fileStore } from "./file_store.ts";
import { memoryStore } from "./memory_store.ts";
import { createRegistry, type RegistryOptions } from "./registry.ts";

/** Options of {@linkcode serveRegistry}. */
export interface ServeRegistryOptions extends Omit<RegistryOptions, "store"> {
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
   * The directory to keep the content in.
   * @default none: the content is in memory, and gone with the process
   */
  disk?: string;
  /**
   * Stops the server, and with it what is in flight.
   * @default none
   */
  signal?: AbortSignal;
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
  /** Takes no new requests and waits for those in flight. */
  shutdown(): Promise<void>;
}

/** Starts a registry on a port, over HTTP, with its content in memory or on a disk. */
export async function serveRegistry(options: ServeRegistryOptions = {}): Promise<RegistryServer> {
  const { hostname = "127.0.0.1", port = 0, disk, signal, ...rest } = options;
  signal?.throwIfAborted();
  const registry = createRegistry({ ...rest, store: disk === undefined ? memoryStore() : fileStore(disk) });
  const server = await serveFetch((request) => registry.fetch(request), {
    hostname,
    port,
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
    async shutdown() {
      signal?.removeEventListener("abort", stop);
      await server.shutdown();
      resolve();
    },
  };
}
