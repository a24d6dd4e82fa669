import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { ForwardProxy, ForwardProxyOptions } from "./forward_proxy.ts";

/** Starts a SOCKS 5 proxy (RFC 1928, RFC 1929) that knows made-up hosts. Its requests are `SOCKS host:443`. */
export async function socksProxy({ ports, credentials }: ForwardProxyOptions): Promise<ForwardProxy> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    const read = reading(socket);
    const serve = async () => {
      const methods = await read((await read(2))[1]);
      const method = credentials === undefined ? 0 : 2;
      if (!methods.includes(method)) return void socket.end(new Uint8Array([5, 255]));
      socket.write(new Uint8Array([5, method]));
      if (method === 2) {
        const text = async () => new TextDecoder().decode(await read((await read(1))[0]));
        await read(1);
        const isRight = `${await text()}:${await text()}` === credentials;
        socket.write(new Uint8Array([1, isRight ? 0 : 1]));
        if (!isRight) return void socket.end();
      }
      const [, command, , kind] = await read(4);
      const host = new TextDecoder().decode(await read((await read(1))[0]));
      const [high, low] = await read(2);
      const target = `${host}:${high * 256 + low}`;
      requests.push(`SOCKS ${target}`);
      const there = command === 1 && kind === 3 ? ports[target] : undefined;
      if (there === undefined) return void socket.end(new Uint8Array([5, 4, 0, 1, 0, 0, 0, 0, 0, 0]));
      const upstream = connect(there, "127.0.0.1", () => {
        // A reply with a name as the address that it is bound to.
        socket.write(new Uint8Array([5, 0, 0, 3, 2, 97, 98, 0, 80]));
        socket.removeAllListeners("data");
        socket.pipe(upstream);
        upstream.pipe(socket);
      });
      sockets.add(upstream);
      upstream.on("error", () => socket.destroy());
      upstream.on("close", () => socket.destroy());
      socket.on("close", () => upstream.destroy());
    };
    serve().catch(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

/** Returns a function that reads so many bytes of a socket. */
function reading(socket: Socket): (count: number) => Promise<Uint8Array> {
  let held: number[] = [];
  let wake = () => {};
  socket.on("data", (bytes: Uint8Array) => {
    held.push(...bytes);
    wake();
  });
  return async (count) => {
    while (held.length < count) await new Promise<void>((resolve) => wake = resolve);
    const bytes = held.slice(0, count);
    held = held.slice(count);
    return new Uint8Array(bytes);
  };
}
