import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";

/** The other side closed the connection, or it was cut. */
export class ConnectionClosed extends Error {}

/** How many bytes may wait before the other side has to. */
const WAITING_LIMIT = 1 << 20;

/** One connection of a server, read as HTTP/1.1. */
export class HttpConnection {
  readonly #socket: Socket;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #closed = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Uint8Array) => {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
      if (this.#waitingBytes > WAITING_LIMIT) socket.pause();
      this.#wake();
    });
    const close = () => {
      this.#closed = true;
      this.#wake();
    };
    socket.on("end", close);
    socket.on("close", close);
    socket.on("error", close);
  }

  /**
   * The first line and the headers of the next request; `undefined` when there is none any more. What is no request,
   * the first words of TLS for example, has no method.
   */
  async head(): Promise<{ method: string; target: string; headers: Headers } | undefined> {
    let bytes = new Uint8Array(0);
    let end = -1;
    while (end < 0) {
      const chunk = await this.#next();
      if (chunk === undefined) return undefined;
      bytes = new Uint8Array(Buffer.concat([bytes, chunk]));
      if (!isCapital(bytes[0])) return { method: "", target: "", headers: new Headers() };
      end = Buffer.from(bytes).indexOf("\r\n\r\n");
    }
    this.#putBack(bytes.subarray(end + 4));
    const [first, ...lines] = new TextDecoder("latin1").decode(bytes.subarray(0, end)).split("\r\n");
    const [method, target] = first.split(" ");
    const headers = new Headers();
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    return { method, target, headers };
  }

  /** The body that follows these headers. It has to be read to its end before the next head. */
  body(headers: Headers): ByteStream {
    const chunked = /chunked/i.test(headers.get("transfer-encoding") ?? "");
    const source = chunked ? this.#chunks() : this.#exactly(Number(headers.get("content-length") ?? 0));
    return new ReadableStream<Bytes>({
      async pull(controller) {
        const { value, done } = await source.next();
        if (done) controller.close();
        else controller.enqueue(new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength));
      },
    }, { highWaterMark: 0 });
  }

  /** Writes, at the pace of the other side. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw new ConnectionClosed();
    if (this.#socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const settle = () => {
        this.#socket.off("drain", settle);
        this.#socket.off("close", settle);
        resolve();
      };
      this.#socket.once("drain", settle);
      this.#socket.once("close", settle);
    });
  }

  /** Resolves when the other side has closed the connection. */
  async closed(): Promise<void> {
    while (await this.#next() !== undefined);
  }

  /** Sends what was written and closes. */
  end(): void {
    this.#socket.end();
  }

  /** Closes the connection immediately, without sending the rest. */
  cut(): void {
    this.#socket.destroy();
  }

  async *#exactly(count: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = count; left > 0;) {
      const chunk = await this.#next();
      if (chunk === undefined) throw new ConnectionClosed();
      const part = chunk.subarray(0, left);
      this.#putBack(chunk.subarray(part.length));
      left -= part.length;
      yield part;
    }
  }

  async *#chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    while (true) {
      const size = parseInt(await this.#line(), 16);
      yield* this.#exactly(size);
      await this.#line();
      if (size === 0) return;
    }
  }

  async #line(): Promise<string> {
    let line = "";
    for await (const byte of this.#bytes()) {
      if (byte === 10) break;
      if (byte !== 13) line += String.fromCharCode(byte);
    }
    return line;
  }

  async *#bytes(): AsyncGenerator<number, void, undefined> {
    while (true) {
      const chunk = await this.#next();
      if (chunk === undefined) throw new ConnectionClosed();
      for (const [at, byte] of chunk.entries()) {
        if (byte === 10) this.#putBack(chunk.subarray(at + 1));
        yield byte;
        if (byte === 10) return;
      }
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    while (this.#waiting.length === 0) {
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const chunk = this.#waiting.shift()!;
    this.#waitingBytes -= chunk.length;
    if (this.#waitingBytes <= WAITING_LIMIT && this.#socket.isPaused()) this.#socket.resume();
    return chunk;
  }

  #putBack(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#waiting.unshift(chunk);
    this.#waitingBytes += chunk.length;
  }
}

function isCapital(byte: number): boolean {
  return byte >= 65 && byte <= 90;
}
