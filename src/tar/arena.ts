/** The memory that header blocks are gathered in. */

import type { Bytes } from "../runtime/mod.ts";
import { BLOCK } from "./block.ts";

const SLAB = 64 * BLOCK;

/**
 * Gathers the header blocks of one entry after another, contiguous for each entry.
 *
 * Headers are copied out of the archive's chunks, so that a reference to an entry does not keep a whole chunk
 * alive, and many headers share one allocation.
 */
export class HeaderArena {
  /** The memory; the bytes before `used` are set. */
  bytes: Bytes = new Uint8Array(SLAB);
  /** Where the blocks of the current entry start. */
  start = 0;
  /** Where the next byte goes. */
  used = 0;
  #words = new Uint32Array(this.bytes.buffer);

  /** The number of bytes gathered for the current entry. */
  get gathered(): number {
    return this.used - this.start;
  }

  /** Appends `chunk[from..to]`. */
  append(chunk: Bytes, from: number, to: number): void {
    if (this.used + to - from > this.bytes.length) this.#grow(to - from);
    this.bytes.set(chunk.subarray(from, to), this.used);
    this.used += to - from;
  }

  /** Forgets what was appended from `at` on. */
  truncate(at: number): void {
    this.used = at;
  }

  /** Returns the blocks of the current entry, which no longer change, and starts the next entry. */
  seal(): Bytes {
    const blocks = this.bytes.subarray(this.start, this.used);
    this.start = this.used;
    return blocks;
  }

  /** The sum of the bytes of the block at `at`, a multiple of four. */
  sum(at: number): number {
    const words = this.#words;
    let lanes = 0;
    // Two 16-bit lanes add two bytes of each word: 128 words x 2 x 255 stays below 65536.
    for (let i = at >> 2, end = (at + BLOCK) >> 2; i < end; i++) {
      const word = words[i];
      lanes = (lanes + (word & 0x00ff00ff) + ((word >>> 8) & 0x00ff00ff)) | 0;
    }
    return (lanes & 0xffff) + (lanes >>> 16);
  }

  /** Moves the current entry to fresh memory with room for `more` bytes; sealed entries keep the old one. */
  #grow(more: number): void {
    const gathered = this.gathered;
    const room = Math.ceil(Math.max(SLAB, (gathered + more) * 2) / BLOCK) * BLOCK;
    const bytes = new Uint8Array(room);
    bytes.set(this.bytes.subarray(this.start, this.used));
    this.bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer);
    this.start = 0;
    this.used = gathered;
  }
}
