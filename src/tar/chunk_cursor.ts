/** The position in the chunks of an archive. */

import type { Bytes } from "../runtime/mod.ts";

const EMPTY: Bytes = new Uint8Array(0);

/** The current chunk and the position in it. */
export class ChunkCursor {
  /** The chunk. */
  chunk: Bytes = EMPTY;
  /** The offset of the next byte in the chunk. */
  at = 0;
  /** Whether the chunk is the last one. */
  ended = false;
  // Kept beside the chunk, which loses its own length if its buffer is transferred.
  #length = 0;
  #chunkOffset = 0;

  /** The number of bytes of the chunk that are left. */
  get available(): number {
    return this.#length - this.at;
  }

  /** The number of bytes of the archive that were passed. */
  get offset(): number {
    return this.#chunkOffset + this.at;
  }

  /** Goes on to the next chunk. */
  feed(chunk: Bytes): void {
    if (this.available > 0) throw new TypeError('A chunk of the archive is fed after the step that gave "more"');
    if (this.ended) throw new TypeError("A chunk of the archive is fed after its end");
    this.#chunkOffset += this.#length;
    this.chunk = chunk;
    this.#length = chunk.length;
    this.at = 0;
  }

  /** Throws if the buffer of the chunk was transferred, of which content is a view. */
  demandBuffer(): void {
    if (this.chunk.length === this.#length) return;
    throw new TypeError("A chunk of the archive was transferred while it was read: copy content before that");
  }

  /** Passes up to `wanted` bytes; returns their number. */
  pass(wanted: number): number {
    const passed = Math.min(wanted, this.#length - this.at);
    this.at += passed;
    return passed;
  }
}
