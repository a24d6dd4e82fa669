import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { chunks, drain } from "../../src/io/mod.ts";
import type { ByteStream } from "../../src/runtime/mod.ts";
import { ConnectionClosed, HttpConnection } from "./http_connection.ts";
import {
  CUT,
  type FakeAnswer,
  type FakeHandler,
  type FakeRequest,
  headersOf,
  record,
  type RecordedRequest,
  STALL,
  utf8,
} from "./messages.ts";

/** A server with scripted behaviour, faults included. */
export interface FakeServer {
  /** `127.0.0.1:PORT`, or with another address. */
  readonly host: string;
  readonly port: number;
  /** What it was asked, in order. */
  readonly requests: RecordedRequest[];
  /** How many connections were made on which something was asked. */
  readonly connections: number;
  /** Ends it and every connection. */
  close(): Promise<void>;
}

/**
 * Starts a server on a free port of the loopback interface. It is written on sockets, since servers that know HTTP
 * don't let their connections be cut or their lengths be wrong, and differ between runtimes in what they do then.
 */
export async function fakeServer(handler: FakeHandler, address = "127.0.0.1"): Promise<FakeServer> {
  const requests: RecordedRequest[] = [];
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    // Head and body are written apart, and a small body is not to wait for the peer.
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    serve(new HttpConnection(socket), { handler, requests, number: () => ++count }).catch((error) => {
      socket.destroy();
      if (!(error instanceof ConnectionClosed)) throw error;
    });
  });
  server.listen(0, address);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    host: `${address.includes(":") ? `[${address}]` : address}:${port}`,
    port,
    requests,
    get connections() {
      return count;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface ServeOptions {
  handler: FakeHandler;
  requests: RecordedRequest[];
  number: () => number;
}

async function serve(connection: HttpConnection, { handler, requests, number }: ServeOptions): Promise<void> {
  let own: number | undefined;
  while (true) {
    const head = await connection.head();
    if (head === undefined) return connection.end();
    if (head.method === "") {
      await connection.write(utf8("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
      return connection.end();
    }
    own ??= number();
    const wire = connection.body(head.headers);
    const url = new URL(`http://${head.headers.get("host") ?? "unknown"}${head.target}`);
    const asked: FakeRequest = { method: head.method, url, headers: head.headers, body: wire, connection: own };
    const { request, recorded } = record(asked, requests);
    try {
      const answer = await handler(request);
      if (answer === CUT) return connection.cut();
      if (answer === STALL) return await connection.closed();
      recorded.status = answer.status;
      if (!await respond(connection, answer, head.method === "HEAD")) return;
      if (!await rest(recorded, request.body)) return connection.end();
    } finally {
      recorded.over = true;
    }
  }
}

/** Reads the rest of a body; returns `false` if a part of it was consumed, so that the connection can't continue. */
async function rest({ bodyRead }: RecordedRequest, body: ByteStream): Promise<boolean> {
  if (bodyRead || body.locked) return bodyRead;
  await drain(body);
  return true;
}

/** Writes an answer; `false` when the connection is of no use after it. */
async function respond(connection: HttpConnection, answer: FakeAnswer, isHead: boolean): Promise<boolean> {
  const { status, body, cutAfter = Infinity, stalls = false } = answer;
  const bytes = typeof body === "string" ? utf8(body) : body instanceof Uint8Array ? body : undefined;
  const hasBody = status >= 200 && status !== 204 && status !== 304;
  const length = answer.length ?? (body instanceof ReadableStream ? "chunked" : bytes?.length ?? 0);
  const lines = headersOf(answer).map(([name, value]) => `${name}: ${value}`);
  if (length === "chunked") lines.push("transfer-encoding: chunked");
  else if (hasBody && !lines.some((line) => /^content-length:/i.test(line))) lines.push(`content-length: ${length}`);
  await connection.write(utf8(`HTTP/1.1 ${status} Because\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`));
  const closes = lines.some((line) => /^connection: close/i.test(line));
  if (isHead || !hasBody) {
    if (closes) connection.end();
    return !closes;
  }

  const source = bytes ? [bytes] : body ? chunks(body as ByteStream) : [];
  let sent = 0;
  for await (const chunk of source) {
    const part = chunk.subarray(0, cutAfter - sent);
    sent += part.length;
    if (part.length > 0) await connection.write(length === "chunked" ? framed(part) : part);
    if (sent >= cutAfter) break;
  }
  if (cutAfter !== Infinity) {
    connection.end();
    return false;
  }
  if (stalls) {
    await connection.closed();
    return false;
  }
  if (length === "chunked") await connection.write(utf8("0\r\n\r\n"));
  if (closes) connection.end();
  return !closes;
}

function framed(chunk: Uint8Array): Uint8Array {
  const head = utf8(`${chunk.length.toString(16)}\r\n`);
  const whole = new Uint8Array(head.length + chunk.length + 2);
  whole.set(head);
  whole.set(chunk, head.length);
  whole.set([13, 10], head.length + chunk.length);
  return whole;
}
