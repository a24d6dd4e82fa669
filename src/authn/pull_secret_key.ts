import { AuthError } from "../errors.ts";
import type { KeychainTarget } from "./keychain.ts";
import { labelGlob } from "./label_glob.ts";
import { SECRET_HINT } from "./pull_secret.ts";

/** What a key of a pull secret stands for. */
export interface SecretKey {
  /** Host, port and path as one text: what is sorted by. */
  readonly name: string;
  /** Whether it stands for a target. */
  matches(target: KeychainTarget): boolean;
}

/**
 * Reads a key: a host whose labels may hold wildcards, with a port that has to be equal (none is a port of its own), and
 * the beginning of the repository's path. A scheme says nothing, nor do `/v1/` and `/v2/` in front of a path.
 *
 * @throws {AuthError} when it can't be the address of a registry.
 */
export function secretKey(key: string, source: string): SecretKey {
  const [authority, path] = splitPath(key.replace(/^https?:\/\//, ""));
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  const address = splitPort(host);
  if (address === undefined) {
    throw new AuthError(`${source}: the key is not the host of a registry`, { hint: SECRET_HINT });
  }
  const labels = address.isLiteral ? undefined : address.host.split(".").map(labelGlob);
  return {
    name: host + path,
    matches({ registry, repository }) {
      const target = splitPort(registry);
      if (target === undefined || target.port !== address.port) return false;
      if (!(repository ? `/${repository}` : "").startsWith(path)) return false;
      if (labels === undefined) return target.host === address.host;
      const parts = target.host.split(".");
      return parts.length === labels.length && labels.every((label, at) => label?.test(parts[at]) ?? false);
    },
  };
}

/** What is before the path, and the path without what docker puts in front of it, a query or a fragment. */
function splitPath(text: string): [authority: string, path: string] {
  const [, authority, path] = /^([^/?#]*)([^?#]*)/.exec(text)!;
  const rest = path.replace(/^\/v[12]\//, "/");
  return [authority, rest === "/" ? "" : rest];
}

interface HostAndPort {
  readonly host: string;
  readonly port: string;
  /** Whether the host is an IPv6 address, in brackets, which has no labels. */
  readonly isLiteral: boolean;
}

function splitPort(text: string): HostAndPort | undefined {
  const [, literal, plain, port = ""] = /^(?:\[([^\]]*)\]|([^:]*?))(?::(\d*))?$/.exec(text) ?? [];
  const host = literal ?? plain;
  const isLiteral = literal !== undefined;
  // A bracket in front is that of an address, and no class of characters.
  if (host === undefined || /\s/.test(host) || (!isLiteral && host.startsWith("["))) return undefined;
  return { host, port, isLiteral };
}
