// Streams that count, stall and fail on cue.

import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { joined } from "./bytes.ts";

/** A stream that notes what is done to it. */
export interface TrackedStream {
  stream: ByteStream;
  /** How many chunks were asked for. */
  pulls: () => number;
  /** The reasons it was cancelled with. */
  cancels: unknown[];
}

/** A stream of these chunks, made one at a time; an `Error` among them fails the stream there. */
export function track(chunks: Iterable<Bytes | Error>): TrackedStream {
  const iterator = chunks[Symbol.iterator]();
  const cancels: unknown[] = [];
  let pulls = 0;
  const stream = new ReadableStream<Bytes>({
    pull(controller) {
      pulls++;
      const { value, done } = iterator.next();
      if (done) controller.close();
      else if (value instanceof Error) controller.error(value);
      else controller.enqueue(value);
    },
    cancel(reason) {
      cancels.push(reason);
    },
  }, { highWaterMark: 0 });
  return { stream, pulls: () => pulls, cancels };
}

/** A stream of these chunks. */
export function streamFrom(...chunks: (Bytes | Error)[]): ByteStream {
  return track(chunks).stream;
}

/** A source that counts what is asked of it. */
export interface WatchedSource {
  readonly stream: ByteStream;
  readonly pulls: () => number;
  readonly cancelled: () => boolean;
}

/** The bytes in chunks of `size`, one per pull; `failure` comes after the last. */
export function watchedSource(bytes: Bytes, size: number, failure?: Error): WatchedSource {
  let offset = 0;
  let pulls = 0;
  let cancelled = false;
  const stream = new ReadableStream<Bytes>({
    pull(controller) {
      if (offset < bytes.byteLength) {
        pulls++;
        controller.enqueue(bytes.subarray(offset, offset += size));
      } else if (failure !== undefined) {
        throw failure;
      } else {
        controller.close();
      }
    },
    cancel() {
      cancelled = true;
    },
  }, { highWaterMark: 0 });
  return { stream, pulls: () => pulls, cancelled: () => cancelled };
}

/** The bytes as a stream. */
export function streamOf(bytes: Bytes, size: number = 65536): ByteStream {
  return watchedSource(bytes, size).stream;
}

/** Creates a stream of chunks that passes the reason of its cancellation to `cancelled`. */
export function streamOfChunks(chunks: readonly Bytes[], cancelled: (reason: unknown) => void = () => {}): ByteStream {
  let next = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (next === chunks.length) controller.close();
      else controller.enqueue(chunks[next++]);
    },
    cancel: cancelled,
  }, { highWaterMark: 0 });
}

/** Bytes in chunks of 1000. */
export function inChunks(bytes: Bytes): ByteStream {
  let at = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at += 1000));
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

/** A stream that gives its first chunk and then fails. */
export function failing(stream: ByteStream, error: Error): ByteStream {
  const reader = stream.getReader();
  let given = false;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      if (given) throw error;
      given = true;
      controller.enqueue((await reader.read()).value!);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** Creates a stream that delivers its first chunk, reports it, and then stalls until it is cancelled. */
export function stalling(stream: ByteStream, onStall: () => void, onCancel: () => void = () => {}): ByteStream {
  const reader = stream.getReader();
  let given = false;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      if (given) return await new Promise<void>(onStall);
      given = true;
      controller.enqueue((await reader.read()).value!);
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}

/** All bytes of a stream, by nothing but its reader. */
export async function collect(stream: ByteStream): Promise<Bytes> {
  const parts: Bytes[] = [];
  for (const reader = stream.getReader();;) {
    const { value, done } = await reader.read();
    if (done) return joined(...parts);
    parts.push(value);
  }
}
