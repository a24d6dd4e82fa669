import { BoundedMap } from "../io/mod.ts";
import { runtimeFetch, type RuntimeFetchOptions } from "../runtime/mod.ts";

/** How to connect to a server: its certificates, a client certificate, a unix socket. */
export type ConnectionOptions = RuntimeFetchOptions;

/** The `fetch` functions by their options, since each keeps connections. Bounded, since certificates rotate. */
const made = new BoundedMap<string, typeof fetch>(16);

/** Returns the `fetch` for connection options. All rooms get theirs here. */
export function fetchFor(options: ConnectionOptions = {}): typeof fetch {
  const { insecureTls = false, ca, cert, key, unixSocket } = options;
  const id = JSON.stringify([insecureTls, ca, cert, key, unixSocket]);
  const known = made.get(id) ?? runtimeFetch(options);
  made.set(id, known);
  return known;
}
