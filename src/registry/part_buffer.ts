import type { Bytes } from "../runtime/mod.ts";

const START = 64 * 1024;

/** The part of an object that is being filled. It takes as much memory as it holds, twice at most. */
export class PartBuffer {
  #bytes: Bytes = new Uint8Array(0);
  #size = 0;

  /** The number of bytes in it. */
  get size(): number {
    return this.#size;
  }

  /** Takes from the start of a chunk what fits until the limit; gives the rest, which may be empty. */
  fill(chunk: Bytes, limit: number): Bytes {
    const taken = Math.min(chunk.length, limit - this.#size);
    if (this.#size + taken > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(limit, Math.max(START, this.#bytes.length * 2, this.#size + taken)));
      grown.set(this.peek());
      this.#bytes = grown;
    }
    this.#bytes.set(chunk.subarray(0, taken), this.#size);
    this.#size += taken;
    return chunk.subarray(taken);
  }

  /** What is in it. */
  peek(): Bytes {
    return this.#bytes.subarray(0, this.#size);
  }

  /** What is in it, which is then empty. */
  take(): Bytes {
    const taken = this.peek();
    this.#bytes = new Uint8Array(0);
    this.#size = 0;
    return taken;
  }
}
