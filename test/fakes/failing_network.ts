import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What happens to a network: to all of its connections, or to those that are made from then on too. */
export type NetworkFault =
  /** Nothing passes on the connections any more, and none is closed: they are half open. */
  | "silence"
  /** The connections are reset. */
  | "reset"
  /** The server is away: its connections are reset, and new ones refused until it is back on the same port. */
  | "restart";

/** A way to a server that fails from time to time. */
export interface FailingNetwork {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** The faults so far. */
  readonly faults: readonly NetworkFault[];
  /** Lets it fail now. */
  fail(fault: NetworkFault): void;
  /** Ends it and every connection. */
  close(): Promise<void>;
}

/** How long a server is away that restarts, in milliseconds. */
const AWAY = 50;

/**
 * Stands between a client and a server, and fails instead of passing on some of the server's chunks.
 *
 * @param next returns the fault in place of the chunk with this number, from 0
 */
export async function failingNetwork(
  target: string,
  next: (chunk: number) => NetworkFault | undefined = () => undefined,
): Promise<FailingNetwork> {
  const [hostname, port] = target.split(":");
  const faults: NetworkFault[] = [];
  const open = new Set<Socket>();
  const silent = new Set<Socket>();
  let chunks = 0;
  let isClosed = false;
  let server: Server;
  let back: ReturnType<typeof setTimeout> | undefined;

  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  };
  const accept = (client: Socket) => {
    const upstream = connect(Number(port), hostname);
    keep(client);
    keep(upstream);
    const end = () => {
      // The client of a silent connection learns nothing of the server's end.
      if (!silent.has(client)) client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
    client.on("data", (chunk: Uint8Array) => {
      if (!silent.has(client)) upstream.write(chunk);
    });
    upstream.on("data", (chunk: Uint8Array) => {
      const fault = next(chunks++);
      if (fault) fail(fault);
      else if (!silent.has(client)) client.write(chunk);
    });
  };
  const listen = (at: number) => {
    server = createServer(accept).listen(at, "127.0.0.1");
    return once(server, "listening");
  };
  const fail = (fault: NetworkFault) => {
    faults.push(fault);
    if (fault === "silence") { for (const socket of open) silent.add(socket); }
    else for (const socket of open) socket.resetAndDestroy();
    if (fault !== "restart" || back) return;
    server.close();
    back = setTimeout(() => {
      back = undefined;
      if (!isClosed) listen(address.port);
    }, AWAY);
  };
  await listen(0);
  const address = server!.address() as AddressInfo;
  return {
    host: `127.0.0.1:${address.port}`,
    faults,
    fail,
    close() {
      isClosed = true;
      clearTimeout(back);
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
