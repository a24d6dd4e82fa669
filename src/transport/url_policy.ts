import { UnsafeUrlError } from "../errors.ts";
import { addressBits, hostOf, isInRange, redactUrl } from "../http/mod.ts";

/** The maximum number of redirects of one request. */
export const MAX_REDIRECTS = 10;

/** The class of a host: public, or one of the kinds of private hosts. */
type Place = "public" | "loopback" | "link-local" | "network" | "shared";

/** The ranges of private addresses: unspecified, loopback, link-local, RFC 1918, unique-local, carrier-grade NAT. */
const PRIVATE: readonly (readonly [base: string, length: number, place: Place])[] = [
  ["0.0.0.0", 8, "loopback"],
  ["127.0.0.0", 8, "loopback"],
  ["::", 127, "loopback"],
  ["169.254.0.0", 16, "link-local"],
  ["fe80::", 10, "link-local"],
  ["10.0.0.0", 8, "network"],
  ["172.16.0.0", 12, "network"],
  ["192.168.0.0", 16, "network"],
  ["fc00::", 7, "network"],
  ["100.64.0.0", 10, "shared"],
];

/** The ranges of IPv6 that embed an IPv4 address in their last 32 bits: compatible, and NAT64 (RFC 4291, RFC 6052). */
const EMBEDDING = [["::", 96], ["64:ff9b::", 96]] as const;

/**
 * Returns the class of a URL's host. `localhost` and the names under it are loopback (RFC 6761). The URL parser has
 * normalised addresses already, so unusual spellings are detected too.
 */
function placeOf(hostname: string): Place {
  const host = hostOf(hostname);
  if (/(^|\.)localhost$/.test(host)) return "loopback";
  const place = PRIVATE.find(([base, length]) => isInRange(host, base, length))?.[2];
  if (place !== undefined) return place;
  const embeds = EMBEDDING.some(([base, length]) => isInRange(host, base, length));
  return embeds ? placeOf(ipv4Of(host)) : "public";
}

/** Returns the IPv4 address in the last 32 bits of an address. */
function ipv4Of(address: string): string {
  const bits = addressBits(address)!.slice(-32);
  return [0, 8, 16, 24].map((at) => parseInt(bits.slice(at, at + 8), 2)).join(".");
}

/** Returns whether a URL's host can be nothing but this machine. */
export function isLoopbackHost(hostname: string): boolean {
  return placeOf(hostname) === "loopback";
}

/** Returns whether a URL's host is private. */
export function isPrivateHost(hostname: string): boolean {
  return placeOf(hostname) !== "public";
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

/** Options of {@linkcode checkRedirect} and {@linkcode checkRealm}. */
export interface RedirectOptions {
  /** The private hosts that are allowed: `HOST`, or `HOST:PORT` for one port. */
  readonly allowRedirects?: readonly string[] | undefined;
}

/**
 * Refuses a redirect, or an upload's `Location`, to a more private place (security rule 3): a private host of another
 * class than the one that names it, unless it is allowed, and a link-local host always.
 *
 * @throws {UnsafeUrlError}
 */
export function checkRedirect(from: URL, to: URL, options: RedirectOptions = {}): void {
  checkWebScheme(to);
  checkPlace(from, to, "points at the", options);
}

/**
 * Refuses a token realm, or a redirect of a token request, that is not https (http only if the ping ended on http),
 * or that is at a more private place than the registry (security rules 1 to 3).
 *
 * @throws {UnsafeUrlError}
 */
export function checkRealm(realm: URL, registry: URL, options: RedirectOptions = {}): void {
  checkWebScheme(realm);
  if (realm.protocol === "http:" && registry.protocol !== "http:") {
    throw new UnsafeUrlError(`${registry.host} names the token server ${redactUrl(realm)}, which is not https`);
  }
  checkPlace(registry, realm, "names a token server at the", options);
}

function checkPlace(from: URL, to: URL, verb: string, { allowRedirects = [] }: RedirectOptions): void {
  const place = placeOf(to.hostname);
  if (place === "public" || to.hostname === from.hostname) return;
  // A machine in a cloud gets its credentials from such an address.
  if (place === "link-local") throw new UnsafeUrlError(`${from.host} ${verb} link-local address ${to.host}`);
  if (place === placeOf(from.hostname) || allowRedirects.some((allowed) => covers(allowed, to))) return;
  throw new UnsafeUrlError(`${from.host} ${verb} private address ${to.host}, which is refused`, {
    hint: `if that is meant, allow it with --allow-redirect ${to.host} (the option allowRedirects)`,
  });
}

/** Returns whether `HOST` or `HOST:PORT` is the place of a URL. */
function covers(allowed: string, url: URL): boolean {
  const place = `http://${allowed}`;
  if (!URL.canParse(place) || new URL(place).hostname !== url.hostname) return false;
  const port = /:(\d+)$/.exec(allowed)?.[1];
  return port === undefined || hostAndPort(url) === `${url.hostname}:${Number(port)}`;
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
