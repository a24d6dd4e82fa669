import type { Readable } from "node:stream";
import { type Bytes, type ByteStream, toPlainBytes } from "./bytes.ts";
import { pullStream } from "./pull_stream.ts";

/** The number of buffered chunks at which the stream is paused, so that node reads while the consumer works. */
const READY_LIMIT = 2;

/**
 * Reads a stream of node chunk by chunk. `Readable.toWeb` and the stream's async iterator are much slower, and `read()`
 * joins the buffered chunks.
 */
export class NodeReader {
  readonly #readable: Readable;
  readonly #ready: Bytes[] = [];
  #failure: { error: unknown } | undefined;
  #ended = false;
  #notify = (): void => {};

  /** Starts to listen; `translate` may replace the errors of the stream. */
  constructor(readable: Readable, translate: (error: unknown) => unknown = (error) => error) {
    this.#readable = readable;
    readable.on("data", (chunk: Bytes) => {
      this.#ready.push(toPlainBytes(chunk));
      if (this.#ready.length >= READY_LIMIT) readable.pause();
      this.#notify();
    });
    readable.on("end", () => {
      this.#ended = true;
      this.#notify();
    });
    readable.on("error", (error) => this.fail(translate(error)));
    readable.on("close", () => {
      if (!this.#ended) this.fail(Object.assign(new Error("the stream was closed early"), { code: "ECONNRESET" }));
    });
  }

  /** Makes the read after the buffered chunks fail. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#notify();
  }

  /** Returns the next chunk, or `undefined` at the end. */
  async read(): Promise<Bytes | undefined> {
    while (this.#ready.length === 0) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#ended) return undefined;
      if (this.#readable.isPaused()) this.#readable.resume();
      await new Promise<void>((resolve) => this.#notify = resolve);
    }
    const chunk = this.#ready.shift();
    if (this.#readable.isPaused()) this.#readable.resume();
    return chunk;
  }
}

/** Converts a stream of node into a web stream. Cancelling it destroys the stream of node. */
export function fromNodeReadable(readable: Readable, reader: NodeReader = new NodeReader(readable)): ByteStream {
  return pullStream({ read: () => reader.read(), cancel: () => void readable.destroy() });
}
