import { createHash } from "node:crypto";
import type { Hash } from "../../src/spec/mod.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** A digest, computed by another way than the one under test. */
export function digestOf(bytes: Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): Hash {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** UTF-8. */
export function text(value: string): Bytes {
  return new TextEncoder().encode(value);
}

/** Bytes that are different everywhere, and different for each size. */
export function patterned(size: number): Bytes {
  const bytes = new Uint8Array(size);
  for (let i = 0, state = size | 1; i < size; i++) bytes[i] = (state = Math.imul(state, 48271) + 11 | 0) >>> 16;
  return bytes;
}

/** A stream of these chunks, which fails where there is an error among them. */
export function stream(...chunks: (Bytes | Error)[]): ReadableStream<Bytes> {
  return new ReadableStream<Bytes>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else if (chunk instanceof Error) controller.error(chunk);
      else controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
}
