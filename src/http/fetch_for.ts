import { BoundedMap } from "../io/mod.ts";
import { runtimeFetch, type RuntimeFetchOptions } from "../runtime/mod.ts";

/** Connection options: trusted certificates, a client certificate, a unix socket. */
export type ConnectionOptions = RuntimeFetchOptions;

/**
 * Each `fetch` keeps connections for later callers with the same options. Replaced certificates drop out of the map in
 * time.
 */
const made = new BoundedMap<string, typeof fetch>(16);

/** Returns the `fetch` for connection options. All requests of the package are sent by one of these. */
export function fetchFor(options: ConnectionOptions = {}): typeof fetch {
  const { insecureTls = false, ca, cert, key, unixSocket } = options;
  const id = JSON.stringify([insecureTls, ca, cert, key, unixSocket]);
  const known = made.get(id) ?? runtimeFetch(options);
  made.set(id, known);
  return known;
}
