import type { Bytes } from "../../../runtime/mod.ts";

const SMALL = 64 * 1024;
const LARGE = 1024 * 1024;

/** The part of an object that is being filled. Its memory grows with its content, which is moved twice at most. */
export class PartBuffer {
  #bytes: Bytes = new Uint8Array(0);
  #size = 0;
  #spare: Bytes | undefined;

  /** The number of bytes in it. */
  get size(): number {
    return this.#size;
  }

  /** Takes bytes from the start of a chunk until the limit is reached; returns the rest, which may be empty. */
  fill(chunk: Bytes, limit: number): Bytes {
    const taken = Math.min(chunk.length, limit - this.#size);
    if (this.#size + taken > this.#bytes.length) {
      const grown = this.#room(this.#size + taken, limit);
      grown.set(this.peek());
      this.#bytes = grown;
    }
    this.#bytes.set(chunk.subarray(0, taken), this.#size);
    this.#size += taken;
    return chunk.subarray(taken);
  }

  /** Returns the bytes in it. */
  peek(): Bytes {
    return this.#bytes.subarray(0, this.#size);
  }

  /** Returns the bytes in it and empties it. */
  take(): Bytes {
    const taken = this.peek();
    this.#bytes = new Uint8Array(0);
    this.#size = 0;
    return taken;
  }

  /** Takes back the bytes that `take` returned, to reuse their memory: many large buffers would be collected late. */
  recycle(taken: Bytes): void {
    this.#spare = taken;
  }

  #room(size: number, limit: number): Bytes {
    const length = [SMALL, LARGE].find((length) => size <= length && length < limit) ?? limit;
    const spare = this.#spare;
    if (length !== limit || spare?.length !== limit) return new Uint8Array(length);
    this.#spare = undefined;
    return spare;
  }
}
