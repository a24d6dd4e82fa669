/** The scheme of a registry's URLs. */
export type Scheme = "https" | "http";

/** Options of {@linkcode schemes}. */
export interface SchemesOptions {
  /**
   * Whether plain http is allowed, regardless of the name.
   *
   * @default false
   */
  insecure?: boolean;
}

const HTTPS_ONLY: readonly Scheme[] = Object.freeze(["https"] as const);
const HTTPS_THEN_HTTP: readonly Scheme[] = Object.freeze(["https", "http"] as const);

/** `localhost` with a port, and every name under `.localhost`, which never leave the machine (RFC 6761). */
const LOCALHOST = /^localhost:|\.localhost(?::\d{1,5})?$/;
/** Exactly one address, not its network, and no name that begins with it. */
const LOOPBACK = /^(?:127\.0\.0\.1|\[::1\])(?::\d{1,5})?$|^::1$/;
const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?::.*)?$/;

/**
 * Returns the schemes to try with a registry, in order.
 *
 * Https is always the first. Http follows for a registry that is marked insecure, has an IPv4 address of RFC 1918, or
 * is the machine itself. A name under `.local` is https only.
 *
 * @param registry the host, with its port if it has one.
 */
export function schemes(registry: string, { insecure = false }: SchemesOptions = {}): readonly Scheme[] {
  const host = registry.toLowerCase();
  const mayUseHttp = insecure || LOCALHOST.test(host) || LOOPBACK.test(host) || isPrivateIpv4(host);
  return mayUseHttp ? HTTPS_THEN_HTTP : HTTPS_ONLY;
}

/** Returns whether a host is an address of RFC 1918, section 3. */
function isPrivateIpv4(host: string): boolean {
  const octets = IPV4.exec(host)?.slice(1);
  // Rejects a leading zero, which some programs read as octal and others as decimal.
  if (!octets || octets.some((octet) => Number(octet) > 255 || /^0\d/.test(octet))) return false;
  const [a, b] = octets.map(Number);
  return a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168);
}
