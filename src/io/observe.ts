import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";
import type { AbortOptions } from "./lazy.ts";

/** What watches a stream go by. An error thrown by any of them fails the stream and cancels its source. */
export interface StreamObserver {
  /** Called before the first read. */
  start?(): void | Promise<void>;
  /** Called with each chunk before it is passed on. */
  chunk?(chunk: Bytes): void;
  /** Called at the end, before the stream closes; never when the stream was cancelled. */
  end?(): void | Promise<void>;
  /** Called once when the stream is over in any way: closed, failed or cancelled. */
  settled?(error?: unknown): void;
}

/**
 * The same stream with somebody looking on: chunks pass as they are, one at a time and only when asked for.
 * The one wrapper under verification, limits and progress, so that a chunk crosses few streams.
 */
export function observe(source: ByteStream, observer: StreamObserver): ByteStream {
  const reader = source.getReader();
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
        const { value, done } = await reader.read();
        if (over) return undefined; // a read that is under way at the cancel ends as at the end of the source
        if (!done) {
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
  });
}

function cancelled(): DOMException {
  return new DOMException("the stream was cancelled", "AbortError");
}

/** A stream of one chunk, or of none when it is empty. */
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

/** Reads a stream to its end and throws the bytes away; the number of them. */
export async function drain(source: ByteStream, options: AbortOptions = {}): Promise<number> {
  let total = 0;
  for await (const chunk of chunks(source, options)) total += chunk.length;
  return total;
}

/** The chunks of a stream; leaving the loop early, or the signal, cancels the stream. */
export async function* chunks(
  source: ByteStream,
  options: AbortOptions = {},
): AsyncGenerator<Bytes, void, undefined> {
  const { signal } = options;
  const reader = source.getReader();
  const abort = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", abort, { once: true });
  let finished = false;
  try {
    while (true) {
      signal?.throwIfAborted();
      const { value, done } = await reader.read();
      signal?.throwIfAborted();
      if (done) break;
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
