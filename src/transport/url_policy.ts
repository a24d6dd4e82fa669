import { UnsafeUrlError } from "../errors.ts";
import { redactUrl } from "../http/mod.ts";

/** The maximum number of redirects of one request. */
export const MAX_REDIRECTS = 10;

/**
 * Whether a URL's host is an IP literal of a private network: loopback, link-local, RFC 1918, unique-local,
 * carrier-grade NAT or unspecified; or `localhost`, or a name under it. The URL parser has normalised it already, so
 * unusual spellings are detected too.
 */
export function isPrivateHost(hostname: string): boolean {
  if (LOCALHOST.test(hostname)) return true;
  if (hostname.startsWith("[")) return isPrivateIpv6(hostname.slice(1, -1));
  const parts = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(hostname.replace(/\.$/, ""));
  return parts !== null && isPrivateIpv4(parts.slice(1).map(Number));
}

function isPrivateIpv4([a, b]: readonly number[]): boolean {
  return a === 0 || a === 10 || a === 127 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168);
}

function isPrivateIpv6(address: string): boolean {
  const groups = ipv6Groups(address);
  const [first] = groups;
  if ((first & 0xffc0) === 0xfe80 || (first & 0xfe00) === 0xfc00) return true;
  const ipv4 = [groups[6] >> 8, groups[6] & 255, groups[7] >> 8, groups[7] & 255];
  const leading = groups.slice(0, 6).join();
  // Unspecified, loopback, and addresses that embed IPv4: compatible, mapped, NAT64 (RFC 4291, RFC 6052).
  return (leading === "0,0,0,0,0,0" && (groups[6] === 0 && groups[7] <= 1 || isPrivateIpv4(ipv4))) ||
    (leading === "0,0,0,0,0,65535" && isPrivateIpv4(ipv4)) ||
    (leading === "100,65435,0,0,0,0" && isPrivateIpv4(ipv4));
}

/** The names that stand for the machine itself (RFC 6761). */
const LOCALHOST = /(^|\.)localhost\.?$/;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+\.?|\[::1\])$/;

/** Whether both hosts are the machine itself, under any of its names. */
function areLoopback(...hosts: readonly string[]): boolean {
  return hosts.every((host) => LOCALHOST.test(host) || LOOPBACK.test(host));
}

/** Returns the eight groups of an address in the URL parser's form: hex only, at most one `::`. */
function ipv6Groups(address: string): number[] {
  const [head, tail] = address.split("::").map((side) => side === "" ? [] : side.split(":"));
  const groups = tail === undefined
    ? head
    : [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return groups.map((group) => parseInt(group, 16));
}

/** Returns the host with its port, or the scheme's default port, for comparisons. */
export function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === "http:" ? "80" : "443")}`;
}

/**
 * Whether a URL may be sent the credentials for `place`: it has the same host and port (security rule 5) and does not
 * replace TLS with plain text.
 */
export function mayAuthorize(url: URL, place: URL): boolean {
  return hostAndPort(url) === hostAndPort(place) && !(place.protocol === "https:" && url.protocol === "http:");
}

/**
 * Refuses a redirect, or an upload's `Location`, to another host that is private (security rule 3).
 *
 * @throws {UnsafeUrlError}
 */
export function checkRedirect(from: URL, to: URL): void {
  checkWebScheme(to);
  const isSameHost = to.hostname === from.hostname || areLoopback(to.hostname, from.hostname);
  if (!isSameHost && isPrivateHost(to.hostname)) {
    throw new UnsafeUrlError(`${from.host} points at the private address ${to.host}, which is refused`);
  }
}

/**
 * Refuses a token realm, or a redirect of a token request, that is not https (http only if the ping ended on http)
 * or that is private and not the registry itself, nor on the same machine (security rules 1 and 2).
 *
 * @throws {UnsafeUrlError}
 */
export function checkRealm(realm: URL, registry: URL): void {
  checkWebScheme(realm);
  if (realm.protocol === "http:" && registry.protocol !== "http:") {
    throw new UnsafeUrlError(`${registry.host} names the token server ${redactUrl(realm)}, which is not https`);
  }
  const isSamePlace = hostAndPort(realm) === hostAndPort(registry) || areLoopback(realm.hostname, registry.hostname);
  if (!isSamePlace && isPrivateHost(realm.hostname)) {
    throw new UnsafeUrlError(`${registry.host} names a token server at the private address ${realm.host}`);
  }
}

/**
 * Refuses the URL of a foreign layer that is not https (http only for an http registry) or is private (rule 4).
 *
 * @throws {UnsafeUrlError}
 */
export function checkForeignUrl(url: URL, registry: URL): void {
  checkWebScheme(url);
  if (url.protocol === "http:" && registry.protocol !== "http:") {
    throw new UnsafeUrlError(`the foreign layer URL ${redactUrl(url)} is not https`);
  }
  if (isPrivateHost(url.hostname)) {
    throw new UnsafeUrlError(`the foreign layer URL ${redactUrl(url)} is at a private address`);
  }
}

/**
 * Refuses a pagination link to another scheme, host or port than the registry's (rule 6).
 *
 * @throws {UnsafeUrlError}
 */
export function checkLink(link: URL, registry: URL): void {
  if (link.protocol !== registry.protocol || hostAndPort(link) !== hostAndPort(registry)) {
    throw new UnsafeUrlError(`${registry.host} continues its list at ${redactUrl(link)}, which is elsewhere`);
  }
}

function checkWebScheme(url: URL): void {
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new UnsafeUrlError(`${url.protocol}// is not a scheme to follow: only https and http are`);
  }
}
