/** Gathers small pieces into large chunks. */

import type { Bytes } from "../runtime/mod.ts";

const BATCH = 64 * 1024;
/** From this size on, a chunk of its own costs less than a copy. */
const LARGE = BATCH / 2;

/** Gives out small pieces in batches of 64 KB and large ones as they are, in the order of what was put in. */
export class BatchedChunks {
  /** How many bytes were put in. */
  written = 0;
  /** How many chunks were given out. */
  emitted = 0;
  readonly #emit: (chunk: Bytes) => void;
  #batch: Bytes | undefined;
  #used = 0;

  /** Chunks go to `emit`. */
  constructor(emit: (chunk: Bytes) => void) {
    this.#emit = emit;
  }

  /** Puts in a piece. */
  put(piece: Bytes): void {
    this.written += piece.length;
    if (piece.length >= LARGE) {
      this.flush();
      this.#give(piece);
      return;
    }
    let at = 0;
    while (at < piece.length) {
      this.#batch ??= new Uint8Array(BATCH);
      const copied = Math.min(BATCH - this.#used, piece.length - at);
      this.#batch.set(piece.subarray(at, at + copied), this.#used);
      this.#used += copied;
      at += copied;
      if (this.#used === BATCH) this.flush();
    }
  }

  /** Puts in zeros. */
  putZeros(count: number): void {
    if (count > 0) this.put(new Uint8Array(count));
  }

  /** Gives out what is left, however small. */
  flush(): void {
    const batch = this.#batch;
    const used = this.#used;
    if (batch === undefined || used === 0) return;
    this.#used = 0;
    // The consumer owns a chunk's buffer. Copying a short batch before a large piece saves a new one.
    if (used < LARGE) return this.#give(batch.slice(0, used));
    this.#batch = undefined;
    this.#give(batch.subarray(0, used));
  }

  #give(chunk: Bytes): void {
    this.emitted++;
    this.#emit(chunk);
  }
}
