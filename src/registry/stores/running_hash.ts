import { type StreamingHash, streamingHash } from "../../runtime/mod.ts";
import type { Algorithm, Hash } from "../../spec/mod.ts";

/** The hash of an upload, updated as its bytes come. */
export class RunningHash {
  /** The algorithm of its digest. */
  readonly algorithm: Algorithm;
  readonly #hash: StreamingHash;
  #size = 0;

  private constructor(algorithm: Algorithm, hash: StreamingHash) {
    this.algorithm = algorithm;
    this.#hash = hash;
  }

  /** Starts a hash of no bytes. */
  static async start(algorithm: Algorithm): Promise<RunningHash> {
    return new RunningHash(algorithm, await streamingHash(algorithm));
  }

  /** The number of bytes that were hashed. */
  get size(): number {
    return this.#size;
  }

  /** Adds bytes. */
  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** Ends the hash and returns the digest. */
  async digest(): Promise<Hash> {
    return `${this.algorithm}:${await this.#hash.hex()}`;
  }
}
