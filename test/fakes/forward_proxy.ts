import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

/** A server on a free port of 127.0.0.1. */
export interface Listening {
  readonly port: number;
  /** Ends it and every connection. */
  close(): Promise<void>;
}

/** A proxy for plain requests with a whole URL, and for tunnels. */
export interface ForwardProxy extends Listening {
  /** The requests: `CONNECT host:443`, `GET http://host/path`. */
  readonly requests: string[];
}

/** How {@linkcode forwardProxy} behaves. */
export interface ForwardProxyOptions {
  /** The port of 127.0.0.1 for `host:port`; a host that is not named is answered with 502. */
  readonly ports: Readonly<Record<string, number>>;
  /** `user:password` to demand. */
  readonly credentials?: string;
}

/** Starts a proxy that knows made-up hosts. */
export async function forwardProxy({ ports, credentials }: ForwardProxyOptions): Promise<ForwardProxy> {
  const requests: string[] = [];
  const wanted = credentials === undefined ? undefined : `Basic ${btoa(credentials)}`;
  const isAllowed = ({ headers }: IncomingMessage) => wanted === undefined || headers["proxy-authorization"] === wanted;
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    if (!isAllowed(incoming)) return void response.writeHead(407, { "proxy-authenticate": "Basic" }).end();
    const { hostname, port, pathname, search } = new URL(incoming.url!);
    const there = ports[`${hostname}:${port || 80}`];
    if (there === undefined) return void response.writeHead(502).end();
    const { "proxy-authorization": _, ...headers } = incoming.headers;
    const outgoing = request({
      host: "127.0.0.1",
      port: there,
      path: pathname + search,
      method: incoming.method,
      headers,
      agent: false,
    });
    outgoing.on("response", (answer) => {
      response.writeHead(answer.statusCode!, answer.rawHeaders);
      answer.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.on("connect", (incoming, socket: Socket, head: Uint8Array) => {
    requests.push(`CONNECT ${incoming.url}`);
    socket.on("error", () => {});
    const there = ports[incoming.url!];
    const status = !isAllowed(incoming) ? 407 : there === undefined ? 502 : 200;
    if (status !== 200) return void socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    const upstream = connect(there, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.write(head);
      joinSockets(socket, upstream, sockets);
    });
    upstream.on("error", () => socket.destroy());
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, requests, close: () => closing(server, sockets) };
}

/** Starts a server that speaks TLS and passes the bytes on to a port that does not. */
export async function tlsFront(port: number, options: TlsOptions): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server = createTlsServer(options, (socket) => {
    socket.on("error", () => {});
    const upstream = connect(port, "127.0.0.1", () => joinSockets(socket, upstream, sockets));
    upstream.on("error", () => socket.destroy());
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => closing(server, sockets) };
}

/** Returns a port of 127.0.0.1 on which no server listens. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function joinSockets(one: Socket, other: Socket, sockets: Set<Socket>): void {
  for (const [socket, peer] of [[one, other], [other, one]]) {
    sockets.add(socket);
    socket.on("error", () => peer.destroy());
    socket.on("close", () => peer.destroy());
    socket.pipe(peer);
  }
}

function closing(server: { close(done: () => void): unknown }, sockets: Set<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => void server.close(() => resolve()));
}
