import { type Bytes, type ByteStream, ChunkReader, pullStream } from "../runtime/mod.ts";
import type { AbortOptions } from "./lazy.ts";

/** Callbacks on the events of a stream. An error thrown by any of them fails the stream and cancels its source. */
export interface StreamObserver {
  /** Called before the first read. */
  start?(): void | Promise<void>;
  /** Called with each chunk before it is passed on. */
  chunk?(chunk: Bytes): void;
  /** Called at the end, before the stream closes; never when the stream was cancelled. */
  end?(): void | Promise<void>;
  /** Called once at the end of the stream: closed, failed or cancelled. */
  settled?(error?: unknown): void;
}

/**
 * Returns the same stream and calls an observer on its events. Chunks pass unchanged, one at a time and only on demand.
 * Verification, limits and progress all use this wrapper, so that a chunk crosses few streams.
 */
export function observe(source: ByteStream, observer: StreamObserver): ByteStream {
  const reader = new ChunkReader(source);
  let started = false;
  let over = false;
  const settle = (error?: unknown) => {
    if (over) return;
    over = true;
    observer.settled?.(error);
  };
  return pullStream({
    async read() {
      try {
        if (!started) {
          started = true;
          await observer.start?.();
        }
        const value = await reader.read();
        if (over) return undefined; // a pending read ends as at the end of the source when the stream is cancelled
        if (value !== undefined) {
          observer.chunk?.(value);
          return value;
        }
        if (observer.end) await observer.end();
        settle();
      } catch (error) {
        settle(error ?? cancelled());
        reader.cancel(error).catch(() => {});
        throw error;
      }
    },
    cancel(reason) {
      settle(reason ?? cancelled());
      return reader.cancel(reason);
    },
    lend: () => void reader.borrow(),
  });
}

function cancelled(): DOMException {
  return new DOMException("the stream was cancelled", "AbortError");
}

/** Creates a stream of one chunk, or an empty stream for no bytes. */
export function streamOf(bytes: Bytes): ByteStream {
  let left: Bytes | undefined = bytes.length === 0 ? undefined : bytes;
  return pullStream({
    read() {
      const chunk = left;
      left = undefined;
      return chunk;
    },
  });
}

/** Reads a stream to its end, discards the bytes and returns their number. */
export async function drain(source: ByteStream, options: AbortOptions = {}): Promise<number> {
  let total = 0;
  for await (const chunk of chunks(source, { ...options, borrow: true })) total += chunk.length;
  return total;
}

/** Options of {@linkcode chunks}. */
export interface ChunksOptions extends AbortOptions {
  /**
   * Whether a chunk is needed only until the next one, so that the source may use its memory again.
   * @default false
   */
  borrow?: boolean;
}

/** Yields the chunks of a stream. Leaving the loop early, or the signal, cancels the stream. */
export async function* chunks(
  source: ByteStream,
  options: ChunksOptions = {},
): AsyncGenerator<Bytes, void, undefined> {
  const { signal, borrow = false } = options;
  const reader = new ChunkReader(source);
  if (borrow) reader.borrow();
  const abort = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", abort, { once: true });
  let finished = false;
  try {
    while (true) {
      signal?.throwIfAborted();
      const value = await reader.read();
      signal?.throwIfAborted();
      if (value === undefined) break;
      yield value;
    }
    finished = true;
  } finally {
    signal?.removeEventListener("abort", abort);
    if (!finished) await reader.cancel(signal?.reason).catch(() => {});
  }
}

/** Returns a range of a stream. The bytes before the range are read and dropped; those after it are not read. */
export function sliceStream(source: ByteStream, range: { offset: number; length?: number }): ByteStream {
  let { offset: skip, length: left = Infinity } = range;
  if (skip === 0 && left === Infinity) return source;
  const reader = source.getReader();
  return pullStream({
    async read() {
      while (left > 0) {
        const { value } = await reader.read();
        if (value === undefined) return undefined;
        const wanted = value.subarray(skip, skip + left);
        skip -= value.length - value.subarray(skip).length;
        left -= wanted.length;
        if (wanted.length > 0) return wanted;
      }
      // The rest is not needed, so an error on cancelling does not matter.
      reader.cancel().catch(() => {});
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
