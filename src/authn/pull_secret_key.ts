import { AuthError } from "../errors.ts";
import type { KeychainTarget } from "./keychain.ts";
import { SECRET_HINT } from "./pull_secret.ts";

/** A parsed key of a pull secret. */
export interface SecretKey {
  /** Host, port and path as one text, for sorting. */
  readonly name: string;
  /** Whether the key matches a target. */
  matches(target: KeychainTarget): boolean;
}

/**
 * Parses a key: a host whose labels may contain wildcards, a port that must be equal (no port is different from any
 * port), and a prefix of the repository's path. A scheme is ignored, and so is `/v1/` or `/v2/` before a path.
 *
 * @throws {AuthError} if it can't be the address of a registry.
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

/** Returns the part before the path, and the path without docker's prefixes, a query or a fragment. */
function splitPath(text: string): [authority: string, path: string] {
  const [, authority, path] = /^([^/?#]*)([^?#]*)/.exec(text)!;
  const rest = path.replace(/^\/v[12]\//, "/");
  return [authority, rest === "/" ? "" : rest];
}

interface HostAndPort {
  readonly host: string;
  readonly port: string;
  /** Whether the host is an IPv6 address in brackets, which has no labels. */
  readonly isLiteral: boolean;
}

function splitPort(text: string): HostAndPort | undefined {
  const [, literal, plain, port = ""] = /^(?:\[([^\]]*)\]|([^:]*?))(?::(\d*))?$/.exec(text) ?? [];
  const host = literal ?? plain;
  const isLiteral = literal !== undefined;
  // A leading bracket belongs to an address, not to a character class.
  if (host === undefined || /\s/.test(host) || (!isLiteral && host.startsWith("["))) return undefined;
  return { host, port, isLiteral };
}

/**
 * Returns the pattern of one label of a host: `*` for any characters, `?` for one, `[a-c]` and `[^a-c]` for one of a
 * class, `\` to escape a character. `undefined` for an invalid pattern, which matches nothing.
 */
function labelGlob(pattern: string): RegExp | undefined {
  const characters = Array.from(pattern);
  let source = "";
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at];
    if (character === "*") source += ".*";
    else if (character === "?") source += ".";
    else if (character === "[") {
      const found = characterClass(characters, at + 1);
      if (found === undefined) return undefined;
      source += found.source;
      at = found.end;
    } else if (character === "\\") {
      if (++at === characters.length) return undefined;
      source += quoted(characters[at]);
    } else source += quoted(character);
  }
  return new RegExp(`^${source}$`, "su");
}

/** Reads a class up to its `]`; `undefined` if it is empty, not closed, or has a range without an end. */
function characterClass(characters: readonly string[], start: number): { source: string; end: number } | undefined {
  let at = start;
  const negated = characters[at] === "^";
  if (negated) at++;
  let source = "";
  const member = (): string | undefined => {
    if (characters[at] === "\\") at++;
    else if (characters[at] === "-" || characters[at] === "]") return undefined;
    return characters[at++];
  };
  while (source === "" || characters[at] !== "]") {
    const low = member();
    if (low === undefined) return undefined;
    let high: string | undefined = low;
    if (characters[at] === "-") {
      at++;
      high = member();
      if (high === undefined) return undefined;
    }
    // A reversed range contains nothing, and no host contains NUL.
    source += low <= high ? `${quoted(low)}-${quoted(high)}` : quoted("\0");
  }
  return { source: `[${negated ? "^" : ""}${source}]`, end: at };
}

function quoted(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
