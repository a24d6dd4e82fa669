/**
 * Returns whether the host of a URL is this machine, or on its link, as the metadata servers of clouds are. They answer
 * any client with credentials of the machine that they run on, so a proxy's would be another one, and plain HTTP takes
 * secrets to no other machine.
 */
export function isLocalHost(hostname: string): boolean {
  const host = hostOf(hostname);
  return /(^|\.)localhost$/.test(host) || host === "metadata.google.internal" ||
    LOCAL.some(([base, length]) => isInRange(host, base, length));
}

/** Loopback and link-local addresses, and those of the metadata servers of AWS, which are unique-local. */
const LOCAL = [["127.0.0.0", 8], ["::1", 128], ["169.254.0.0", 16], ["fe80::", 10], ["fd00:ec2::", 32]] as const;

/** Returns a host of a URL in lower case, without the brackets of an address and the dot at the end of a name. */
export function hostOf(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "").toLowerCase();
}

/** Returns whether a host is an address whose first bits, as many as `length`, are those of `base`. */
export function isInRange(host: string, base: string, length: number): boolean {
  const [start, bits] = [addressBits(base), addressBits(host)];
  return start !== undefined && length <= start.length && bits?.length === start.length &&
    bits.startsWith(start.slice(0, length));
}

/** Returns the 32 or 128 bits of an address as digits, an IPv4 address in IPv6 as its 32; `undefined` for a name. */
export function addressBits(text: string): string | undefined {
  const bits = (number: string, radix: number, width: number) =>
    parseInt(number, radix).toString(2).padStart(width, "0");
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const parts = text.split(".");
    return parts.every((part) => Number(part) < 256) ? parts.map((part) => bits(part, 10, 8)).join("") : undefined;
  }
  if (!text.includes(":") || !URL.canParse(`http://[${text}]`)) return undefined;
  // The URL parser gives eight groups in hex, with at most one "::".
  const [head, tail = []] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::")
    .map((side) => side.split(":").filter((group) => group !== ""));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  const all = groups.map((group) => bits(group, 16, 16)).join("");
  const mapped = "0".repeat(80) + "1".repeat(16);
  return all.startsWith(mapped) ? all.slice(96) : all;
}
