// Sources and sinks that the tests of this room share.
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";

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

/** Everything a stream has. */
export async function collect(stream: ByteStream): Promise<Bytes> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Bytes that do not compress well, the same on each call. */
export function noise(length: number, seed: number = 1): Bytes {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Text that compresses well. */
export function text(length: number): Bytes {
  const line = new TextEncoder().encode("The quick brown fox jumps over the lazy dog. ");
  return Uint8Array.from({ length }, (_, i) => line[i % line.length]);
}

/** Several arrays in one. */
export function concat(...parts: Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.byteLength;
  }
  return all;
}

/** Waits until a condition holds; the test runner's own limit ends a wait for what never comes. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A promise that resolves when the event loop has gone round a few times: what was about to happen has happened. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
