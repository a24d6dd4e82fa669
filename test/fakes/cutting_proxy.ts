import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a server that can be cut. */
export interface CuttingProxy {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** How many connections were cut. */
  readonly cuts: number;
  /** Cuts the next connection on which so many bytes went to the server, or came from it. */
  cutAfter(bytes: { sent: number } | { received: number }): void;
  /** Ends it and every connection. */
  close(): Promise<void>;
}

/** Stands between a client and a server that must not be changed, such as a real registry. */
export async function cuttingProxy(target: string): Promise<CuttingProxy> {
  const [hostname, port] = target.split(":");
  const sockets = new Set<Socket>();
  let next: { sent?: number; received?: number } | undefined;
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const ends = [client, upstream];
    const cut = () => ends.forEach((socket) => socket.destroy());
    for (const socket of ends) {
      sockets.add(socket);
      socket.on("error", cut);
      socket.on("close", () => {
        sockets.delete(socket);
        cut();
      });
    }
    const count = { sent: 0, received: 0 };
    const forward = (from: Socket, to: Socket, direction: "sent" | "received") =>
      from.on("data", (chunk: Uint8Array) => {
        count[direction] += chunk.length;
        if (count[direction] > (next?.[direction] ?? Infinity)) {
          next = undefined;
          cuts++;
          // What came before is let through, so that the other side has a part.
          return void to.write(chunk, cut);
        }
        if (!to.write(chunk)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      });
    forward(client, upstream, "sent");
    forward(upstream, client, "received");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    cutAfter: (bytes) => next = bytes,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
