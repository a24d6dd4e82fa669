import type { Socket } from "node:net";
import { requireNodeModule } from "./host.ts";

/** Where a SOCKS proxy listens, its credentials, and the server to reach through it. */
export interface SocksTarget {
  readonly proxy: {
    readonly host: string;
    readonly port: number;
    readonly username: string;
    readonly password: string;
  };
  readonly host: string;
  readonly port: number;
}

/**
 * Opens a connection to a server through a SOCKS 5 proxy (RFC 1928, RFC 1929), which resolves the name of the server.
 *
 * @param ms how long the proxy may take
 */
export async function openSocks({ proxy, host, port }: SocksTarget, ms: number): Promise<Socket> {
  const { username, password } = proxy;
  const hasCredentials = username !== "" || password !== "";
  const { connect } = requireNodeModule("node:net", "SOCKS");
  const socket = connect({ host: proxy.host, port: proxy.port });
  const { read, release } = reading(socket, ms);
  try {
    socket.write(new Uint8Array([5, 1, hasCredentials ? 2 : 0]));
    const [, method] = await read(2);
    if (method === 0xff) throw new Error("proxy authentication required");
    if (method === 2) {
      socket.write(new Uint8Array([1, ...counted(username), ...counted(password)]));
      const [, status] = await read(2);
      if (status !== 0) throw new Error("proxy authentication required");
    }
    socket.write(new Uint8Array([5, 1, 0, 3, ...counted(host), port >> 8, port & 255]));
    const [, reply, , kind] = await read(4);
    if (reply !== 0) {
      throw Object.assign(new Error(`the proxy refuses with reply ${reply}`), { code: "ERR_PROXY_TUNNEL" });
    }
    // The address that the connection is bound to: IPv4, IPv6 or a name, and a port.
    await read((kind === 1 ? 4 : kind === 4 ? 16 : (await read(1))[0]) + 2);
    release();
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Returns the bytes of a text after their number. */
function counted(text: string): readonly number[] {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 255) throw new Error("a name or a password is too long for a SOCKS proxy");
  return [bytes.length, ...bytes];
}

/** Returns a function that reads so many bytes, and one that leaves the socket to the next reader. */
function reading(socket: Socket, ms: number): { read: (count: number) => Promise<Uint8Array>; release: () => void } {
  let held = new Uint8Array();
  let failure: Error | undefined;
  let wake = () => {};
  const onData = (bytes: Uint8Array) => {
    held = new Uint8Array([...held, ...bytes]);
    wake();
  };
  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  const onEnd = () => fail(Object.assign(new Error("the proxy closed the connection"), { code: "ERR_PROXY_TUNNEL" }));
  const onTimeout = () => fail(Object.assign(new Error("the proxy does not answer"), { code: "ETIMEDOUT" }));
  socket.setTimeout(ms);
  socket.on("data", onData).on("error", fail).on("close", onEnd).on("timeout", onTimeout);
  return {
    async read(count) {
      while (held.length < count && !failure) await new Promise<void>((resolve) => wake = resolve);
      if (held.length < count) throw failure;
      const bytes = held.slice(0, count);
      held = held.slice(count);
      return bytes;
    },
    release() {
      socket.setTimeout(0);
      socket.off("data", onData).off("error", fail).off("close", onEnd).off("timeout", onTimeout);
    },
  };
}
