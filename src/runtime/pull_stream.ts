import type { Bytes, ByteStream } from "./bytes.ts";

/** The source of a {@linkcode pullStream}. */
export interface PullSource {
  /** Called once, before the first read. */
  start?(): void | Promise<void>;
  /** Returns the next chunk, or `undefined` at the end. Called only on demand, and never concurrently. */
  read(): Bytes | undefined | Promise<Bytes | undefined>;
  /** Called when the reader cancels; a `read` may be pending. */
  cancel?(reason: unknown): void | Promise<void>;
  /**
   * Called at most once, before the first read, if the reader needs each chunk only until the next one: the source may
   * use its memory again. A source with it has no `start`.
   */
  lend?(): void;
}

/** Sources of streams that lend their chunks. */
const lenders = new WeakMap<ByteStream, PullSource>();

/**
 * Creates a stream that reads from its source only on demand.
 *
 * A chunk that arrives after the stream was cancelled is dropped. Otherwise the controller would throw, and on Bun,
 * which cancels a request's body as soon as it has all bytes, that error would be an unhandled rejection.
 */
export function pullStream(source: PullSource): ByteStream {
  let cancelled = false;
  const stream = new ReadableStream<Bytes>({
    start: () => source.start?.(),
    async pull(controller) {
      try {
        const chunk = await source.read();
        if (cancelled) return;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      } catch (error) {
        if (!cancelled) throw error;
      }
    },
    cancel(reason) {
      cancelled = true;
      return source.cancel?.(reason);
    },
  }, { highWaterMark: 0 });
  if (source.lend) lenders.set(stream, source);
  return stream;
}

/** The size of the memory that a body is read into again and again. */
const BUFFER_SIZE = 256 * 1024;

type Chunks = Required<Pick<PullSource, "read" | "cancel">>;

/** Reads the chunks of a stream, one at a time. */
export class ChunkReader {
  readonly #stream: ByteStream;
  #chunks: Chunks & { release?(): void };

  /** Creates the reader of a stream, which is locked. */
  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.#chunks = defaultChunks(stream);
  }

  /** Whether a chunk is to be used only until the next read. */
  get isBorrowing(): boolean {
    return this.#chunks.release === undefined;
  }

  /**
   * Notes before the first read that a chunk is needed only until the next one, so that its memory may be used again: a
   * source that fills one buffer each time saves time and garbage.
   *
   * @param options.isBody whether the stream is a body of the runtime, which fills a buffer of the reader if it can
   */
  borrow({ isBody = false }: { isBody?: boolean } = {}): this {
    const source = lenders.get(this.#stream);
    if (source) {
      source.lend!();
      this.#chunks = directChunks(source);
    } else if (isBody) {
      this.#chunks.release!();
      this.#chunks = bufferedChunks(this.#stream);
    }
    return this;
  }

  /** Returns the next chunk; `undefined` at the end. */
  async read(): Promise<Bytes | undefined> {
    return await this.#chunks.read();
  }

  /** Cancels the stream; a `read` that is pending returns `undefined`. */
  async cancel(reason?: unknown): Promise<void> {
    await this.#chunks.cancel(reason);
  }
}

/** Reads a source without the stream in between. */
function directChunks(source: PullSource): Chunks {
  let over: { readonly error?: unknown } | undefined;
  return {
    async read() {
      if (over && "error" in over) throw over.error;
      if (over) return undefined;
      try {
        const chunk = await source.read();
        if (over) return undefined; // it was cancelled meanwhile
        if (chunk === undefined) over = {};
        return chunk;
      } catch (error) {
        if (over) return undefined;
        over = { error };
        throw error;
      }
    },
    async cancel(reason) {
      if (over) return;
      over = {};
      await source.cancel?.(reason);
    },
  };
}

/** Reads a stream of bytes, as the bodies of most runtimes are, into one buffer. */
function bufferedChunks(stream: ByteStream): Chunks {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    return defaultChunks(stream);
  }
  /** The buffer; none after the last read, or one that failed. */
  let buffer: ArrayBuffer | undefined = new ArrayBuffer(BUFFER_SIZE);
  return {
    async read() {
      const view = new Uint8Array(buffer ?? new ArrayBuffer(1));
      buffer = undefined;
      const { done, value } = await reader.read(view);
      if (done) return undefined;
      buffer = value.buffer;
      return value;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

function defaultChunks(stream: ByteStream): Chunks & { release(): void } {
  const reader = stream.getReader();
  return {
    read: async () => (await reader.read()).value,
    cancel: (reason) => reader.cancel(reason),
    release: () => reader.releaseLock(),
  };
}
