// HTTP as bytes: what the tests must see, no client or server of a runtime shows.
import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** One answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Sends bytes and gives everything that comes until the server closes, which `Connection: close` asks it to do. */
export async function rawRequest(port: number, head: string, body: string = ""): Promise<RawAnswer> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (chunk) => received += chunk.toString("latin1"));
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.write(`${head}\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n${body}`);
  await closed;
  return parseAnswer(received);
}

/** How {@linkcode rawUpload} sends. */
export interface RawUploadOptions {
  /** The number of bytes of the body. */
  size: number;
  /** Send the body chunked, without its length. */
  chunked: boolean;
}

/**
 * Sends a request with a body of zeros, reads nothing until the last byte is sent, and gives the answer that is there
 * by the time that the server closes. A server that takes no more bytes gets the connection closed.
 */
export async function rawUpload(port: number, head: string, options: RawUploadOptions): Promise<RawAnswer> {
  const { size, chunked } = options;
  const socket = connect(port, "127.0.0.1");
  socket.pause();
  socket.setTimeout(20_000, () => socket.destroy());
  let received = "";
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const send = (data: string | Uint8Array) => new Promise((resolve) => socket.write(data, resolve));
  const length = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${size}`;
  await send(`${head}\r\nHost: 127.0.0.1:${port}\r\n${length}\r\n\r\n`);
  for (let left = size; left > 0 && !socket.destroyed;) {
    const block = new Uint8Array(Math.min(left, 65536));
    left -= block.length;
    if (chunked) await send(`${block.length.toString(16)}\r\n`);
    await send(block);
    if (chunked) await send("\r\n");
  }
  if (chunked) await send("0\r\n\r\n");
  socket.on("data", (chunk) => received += chunk.toString("latin1"));
  socket.resume();
  await closed;
  return parseAnswer(received);
}

function parseAnswer(received: string): RawAnswer {
  const end = received.indexOf("\r\n\r\n");
  const [first, ...lines] = received.slice(0, end).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(first.split(" ")[1]), headers, body: received.slice(end + 4) };
}

/** One request as it came over the wire: the head, and how many bytes followed. */
export interface RawRequest {
  readonly head: string;
  readonly bytes: number;
}

/** A server that records requests and sends scripted responses. */
export interface RawServer {
  readonly port: number;
  readonly requests: RawRequest[];
  /** Sockets that are open. */
  readonly sockets: Set<Socket>;
  close(): Promise<void>;
}

/** How a {@linkcode RawServer} behaves. */
export interface RawServerOptions {
  /** The answer once a request is complete. */
  answer?: string;
  /** An answer right after the head; the body is then not read. */
  early?: string;
  /** Stop reading after so many bytes of the body. */
  readLimit?: number;
  /** Where to listen instead of a port. */
  socketPath?: string;
}

export const created = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";

/** Starts a server that speaks bytes. */
export async function rawServer(options: RawServerOptions = {}): Promise<RawServer> {
  const { answer = created, early, readLimit = Infinity, socketPath } = options;
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let head: string | undefined;
    let buffered = "";
    let bytes = 0;
    let tail = "";
    const onBody = (text: string) => {
      bytes += text.length;
      tail = (tail + text.slice(-5)).slice(-5);
      if (bytes >= readLimit) return socket.pause();
      const length = /content-length: (\d+)/i.exec(head!)?.[1];
      const chunked = /transfer-encoding: chunked/i.test(head!);
      if (chunked ? tail !== "0\r\n\r\n" : bytes < Number(length ?? 0)) return;
      requests.push({ head: head!, bytes });
      head = undefined;
      buffered = tail = "";
      bytes = 0;
      socket.write(answer);
    };
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      if (head !== undefined) return onBody(text);
      buffered += text;
      const end = buffered.indexOf("\r\n\r\n");
      if (end < 0) return;
      head = buffered.slice(0, end);
      if (early === undefined) return onBody(buffered.slice(end + 4));
      requests.push({ head, bytes: 0 });
      socket.write(early);
      socket.pause();
    });
  });
  await new Promise<void>((resolve) =>
    socketPath === undefined ? server.listen(0, "127.0.0.1", resolve) : server.listen(socketPath, resolve)
  );
  return {
    port: socketPath === undefined ? (server.address() as AddressInfo).port : 0,
    requests,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
