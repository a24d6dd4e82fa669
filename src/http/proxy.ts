import { NetworkError } from "../errors.ts";
import type { Proxy } from "../runtime/mod.ts";
import { addressBits, hostOf, isInRange, isLocalHost } from "./address.ts";

/** Returns the value of an environment variable. */
export type Environment = (name: string) => string | undefined;

/** Returns the proxy for a URL; "none" for a direct connection. */
export type ProxyRules = (url: URL) => Proxy | "none";

/**
 * Reads HTTP_PROXY, HTTPS_PROXY, ALL_PROXY (for a scheme without a variable of its own) and NO_PROXY, in upper or lower
 * case, by the rules of Go's programs. Returns `undefined` if no variable names a proxy.
 *
 * @throws {NetworkError} if a variable does not name an HTTP or SOCKS 5 proxy.
 */
export function proxyRules(environment: Environment): ProxyRules | undefined {
  // A CGI program gets the header "Proxy" of a request as HTTP_PROXY.
  const plain = environment("REQUEST_METHOD") ? undefined : proxyOf("HTTP_PROXY", environment);
  const secure = proxyOf("HTTPS_PROXY", environment);
  const others = plain && secure ? undefined : proxyOf("ALL_PROXY", environment);
  if (!plain && !secure && !others) return undefined;
  const exceptions = (variable("NO_PROXY", environment)?.text ?? "").split(",").map(exception);
  return (url) => {
    const proxy = (url.protocol === "https:" ? secure : plain) ?? others ?? "none";
    const target = { host: hostOf(url.hostname), port: url.port || (url.protocol === "https:" ? "443" : "80") };
    return isLocalHost(url.hostname) || exceptions.some((covers) => covers(target)) ? "none" : proxy;
  };
}

function variable(name: string, environment: Environment): { name: string; text: string } | undefined {
  for (const each of [name, name.toLowerCase()]) {
    const text = environment(each)?.trim();
    if (text) return { name: each, text };
  }
  return undefined;
}

function proxyOf(name: string, environment: Environment): Proxy | undefined {
  const found = variable(name, environment);
  if (!found) return undefined;
  const { text, name: source } = found;
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const hint = `set ${source} to http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT`;
  // The message omits the value, which may hold a password.
  if (!URL.canParse(full)) throw new NetworkError(`${source} is not the URL of a proxy`, { hint, reason: "proxy" });
  const { protocol, href, host } = new URL(full);
  if (host !== "" && ["http:", "https:", "socks5:", "socks5h:"].includes(protocol)) return { url: href, source };
  throw new NetworkError(`${source} names a proxy of the kind ${protocol}//, which is not supported`, {
    hint,
    reason: "proxy",
  });
}

interface Target {
  readonly host: string;
  readonly port: string;
}

/** Returns the test of one entry of NO_PROXY: `*`, a range of addresses, or a host or suffix, with or without a port. */
function exception(entry: string): (target: Target) => boolean {
  const text = entry.trim().toLowerCase();
  if (text === "") return () => false;
  if (text === "*") return () => true;
  const [, base, length] = /^(.*)\/(\d+)$/.exec(text) ?? [];
  if (base !== undefined) return ({ host }) => isInRange(host, base, Number(length));
  const [, bracketed, named, port] = /^(?:\[(.*)\]|([^:]*|.*:.*:.*?))(?::(\d+))?$/.exec(text) ?? [];
  const name = bracketed ?? named ?? text;
  const isPort = (target: Target) => port === undefined || port === target.port;
  const address = addressBits(name);
  if (address !== undefined) return (target) => addressBits(target.host) === address && isPort(target);
  const suffix = name.replace(/^\*?\.?/, ".");
  // A leading dot leaves out the domain itself.
  const whole = /^[*.]/.test(name) ? undefined : name;
  return (target) => (target.host === whole || target.host.endsWith(suffix)) && isPort(target);
}
