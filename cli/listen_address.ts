import { NetworkError, UsageError } from "../src/errors.ts";
import { errorCode } from "../src/io/mod.ts";

/** Parses `host:port`, `:port` (all addresses) or a port alone. */
export function parseAddress(text: string): { hostname: string; port: number } {
  const match = /^(?:(.*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65535) {
    throw new UsageError(`--address ${text} is not HOST:PORT`, { hint: "for example 127.0.0.1:5000" });
  }
  const host = match[1] === undefined ? "127.0.0.1" : match[1] === "" ? "0.0.0.0" : match[1];
  return { hostname: host.replace(/^\[(.*)\]$/, "$1"), port };
}

const notHere = ["this machine does not have that address", "0.0.0.0 listens on all its addresses"] as const;

const listenFailures: Readonly<Record<string, readonly [text: string, hint: string]>> = {
  EADDRINUSE: ["another program listens on this port", "choose another port with --address, or 0 for a free one"],
  EADDRNOTAVAIL: notHere,
  EINVAL: notHere,
  ENOTFOUND: notHere,
  EACCES: ["only an administrator may use this port", "choose a port above 1023 with --address"],
};

/** Converts a runtime's error into one with the address; the runtimes' own messages differ and most lack it. */
export function listenFailure(address: string, error: unknown): unknown {
  const [text, hint] = listenFailures[errorCode(error) ?? ""] ?? [];
  return text === undefined ? error : new NetworkError(`can't listen on ${address}: ${text}`, { cause: error, hint });
}
