import type { Bytes } from "../runtime/mod.ts";
import type { TarChunks } from "../tar/mod.ts";

const CHUNK_SIZE = 256 * 1024;

/**
 * Pseudo-random bytes, the same for a seed on every runtime: the generator sfc32, its words in little-endian order. Not
 * for secrets.
 */
export class RandomBytes implements TarChunks {
  readonly #state: Uint32Array;
  #left: number;

  /** Creates the generator with a seed, any number; the same seed gives unrelated bytes in each stream. */
  constructor(seed: number, options: { size: number; stream?: number }) {
    this.#state = new Uint32Array(4);
    // Both halves of the number count, so that seeds above 32 bits differ.
    new DataView(this.#state.buffer).setFloat64(0, seed);
    this.#state[2] = options.stream ?? 0;
    this.#state[3] = 1;
    this.#left = options.size;
    // The first words still look like the seed.
    this.#fill(new Uint32Array(16));
  }

  /** The next bytes; `undefined` at the end. */
  read(): Bytes | undefined {
    if (this.#left === 0) return undefined;
    const size = Math.min(CHUNK_SIZE, this.#left);
    const words = new Uint32Array(Math.ceil(size / 4));
    this.#fill(words);
    this.#left -= size;
    return new Uint8Array(words.buffer, 0, size);
  }

  #fill(words: Uint32Array): void {
    let [a, b, c, counter] = this.#state;
    for (let i = 0; i < words.length; i++) {
      const word = (a + b | 0) + counter | 0;
      counter = counter + 1 | 0;
      a = b ^ b >>> 9;
      b = c + (c << 3) | 0;
      c = (c << 21 | c >>> 11) + word | 0;
      words[i] = word;
    }
    this.#state.set([a, b, c, counter]);
  }
}

/** A seed made of another and a number: different numbers give unrelated seeds. */
export function derivedSeed(seed: number, index: number): number {
  const bytes = new RandomBytes(seed, { size: 4, stream: index + 1 }).read()!;
  return new DataView(bytes.buffer).getUint32(0, true);
}

/** Returns a fresh random seed. */
export function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}
