import { type StreamingHash, streamingHash } from "../../runtime/mod.ts";
import type { Algorithm, Hash } from "../../spec/mod.ts";

/** The hash of an upload, which follows its bytes as they come. */
export class RunningHash {
  /** The algorithm of the digest that it will give. */
  readonly algorithm: Algorithm;
  readonly #hash: StreamingHash;
  #size = 0;

  private constructor(algorithm: Algorithm, hash: StreamingHash) {
    this.algorithm = algorithm;
    this.#hash = hash;
  }

  /** Starts a hash of nothing. */
  static async start(algorithm: Algorithm): Promise<RunningHash> {
    return new RunningHash(algorithm, await streamingHash(algorithm));
  }

  /** The number of bytes that it has seen. */
  get size(): number {
    return this.#size;
  }

  /** Adds bytes. */
  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** Ends it. */
  async digest(): Promise<Hash> {
    return `${this.algorithm}:${await this.#hash.hex()}`;
  }
}
