import { BoundedMap } from "../io/mod.ts";
import { runtimeFetch, type RuntimeFetchOptions } from "../runtime/mod.ts";

/** How to reach a server: its certificates, a client's certificate, a unix socket. */
export type ConnectionOptions = RuntimeFetchOptions;

/** Each `fetch` keeps connections, which the next caller with the same options uses. Certificates are replaced in time. */
const made = new BoundedMap<string, typeof fetch>(16);

/** Gives the `fetch` for a way to reach servers. All of the package's requests are sent by one from here. */
export function fetchFor(options: ConnectionOptions = {}): typeof fetch {
  const { insecureTls = false, ca, cert, key, unixSocket } = options;
  const id = JSON.stringify([insecureTls, ca, cert, key, unixSocket]);
  const known = made.get(id) ?? runtimeFetch(options);
  made.set(id, known);
  return known;
}
