import type { AgentOptions } from "node:https";
import type { Agent, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { requireNodeModule } from "./host.ts";
import { openSocks } from "./socks_tunnel.ts";

/** An HTTP or SOCKS 5 proxy. */
export interface Proxy {
  /** Its URL, http, https, socks5 or socks5h, with credentials if it needs them. */
  readonly url: string;
  /** The name of the environment variable that names it, for errors. */
  readonly source: string;
}

/** How long a proxy may take to open a tunnel, in milliseconds. */
const TUNNEL_MS = 30_000;

/** Returns whether a proxy speaks SOCKS 5, so that plain http goes through tunnels too. */
export function isSocks(proxy: Proxy | "none" | undefined): proxy is Proxy {
  return typeof proxy === "object" && proxy.url.startsWith("socks5");
}

/** Creates an agent for https whose connections go through tunnels of a proxy (RFC 9110, section 9.3.6). */
export function tunnelAgent(proxy: Proxy, options: AgentOptions): Agent {
  const { Agent: SecureAgent } = requireNodeModule("node:https", "HTTP over node");
  const tls = requireNodeModule("node:tls", "TLS");
  return connecting(new SecureAgent(options), proxy, 443, (target, socket) => {
    const { host = "" } = target;
    // An address is not allowed as a server name in TLS.
    const servername = target.servername || (/^[\d.]+$|:/.test(host) ? "" : host);
    return tls.connect({ ...target, host, path: undefined, socket, servername } as never);
  });
}

/** Creates an agent for plain http whose connections go through tunnels of a SOCKS proxy. */
export function plainTunnelAgent(proxy: Proxy, options: AgentOptions): Agent {
  const { Agent } = requireNodeModule("node:http", "HTTP over node");
  return connecting(new Agent(options), proxy, 80, (_target, socket) => socket);
}

function connecting(
  agent: Agent,
  proxy: Proxy,
  defaultPort: number,
  use: (target: Target, socket: Duplex) => Duplex,
): Agent {
  const connect = (target: Target, done: (error: Error | null, socket?: Duplex) => void): void => {
    openTunnel(proxy, target.host ?? "", Number(target.port ?? defaultPort)).then(
      (socket) => done(null, use(target, socket)),
    ).catch(done);
  };
  return Object.assign(agent, { createConnection: connect as never });
}

/** The server that an agent wants a connection to. */
interface Target extends Omit<AgentOptions, "host" | "port"> {
  readonly host?: string;
  readonly port?: number | string;
  readonly servername?: string;
}

/** Returns the header with the credentials in the proxy's URL; nothing without them. */
export function proxyAuthorization({ url }: Proxy): Record<string, string> {
  const { username, password } = credentialsOf(url);
  if (username === "" && password === "") return {};
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return { "proxy-authorization": `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

/** Returns the credentials in a URL, decoded. */
export function credentialsOf(url: string): { username: string; password: string } {
  const { username, password } = new URL(url);
  return { username: decoded(username), password: decoded(password) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function openTunnel(proxy: Proxy, host: string, port: number): Promise<Duplex> {
  const { protocol, hostname, port: listening } = new URL(proxy.url);
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isSocks(proxy)) {
    const own = { host: address, port: Number(listening || 1080), ...credentialsOf(proxy.url) };
    return openSocks({ proxy: own, host, port }, TUNNEL_MS);
  }
  const target = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const http = requireNodeModule(protocol === "https:" ? "node:https" : "node:http", "HTTP over node");
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: address,
      port: listening || (protocol === "https:" ? 443 : 80),
      method: "CONNECT",
      path: target,
      headers: { host: target, ...proxyAuthorization(proxy) },
      agent: false,
      timeout: TUNNEL_MS,
    });
    const judge = ({ statusCode }: IncomingMessage, socket: Duplex) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      const error = new Error(`the proxy answers CONNECT with ${statusCode}`);
      reject(Object.assign(error, { code: "ERR_PROXY_TUNNEL" }));
    };
    request.on("connect", (answer, socket) => {
      request.setTimeout(0);
      judge(answer, socket);
    });
    request.on("response", (answer) => judge(answer, answer.socket));
    request.on("timeout", () => {
      request.destroy(Object.assign(new Error("the proxy does not answer"), { code: "ETIMEDOUT" }));
    });
    request.on("error", reject);
    request.end();
  });
}
