import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";

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

/** Text as bytes. */
export function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** The bytes in pieces of `size`. */
export function pieces(bytes: Bytes, size: number): Bytes[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));
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

/** The parts one after the other. */
export function joined(...parts: Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
