import { type Bytes, toPlainBytes } from "./bytes.ts";
import { codecError, toCodecError } from "./codec_stream.ts";
import {
  type DeflateBlock,
  type Deflated,
  type DeflateOptions,
  DeflateWorker,
  threadModule,
} from "./deflate_worker.ts";

type Zlib = typeof import("node:zlib");

/** The bytes that one stream compresses before threads are started: these take as long as their start. */
const WORTH_THREADS = 4 * 1024 * 1024;

const pools = new Map<number, DeflatePool>();

/**
 * The blocks that are compressed at the same time, by all streams with the same bound. Threads are started for a long
 * stream, and end with the last stream. Without threads blocks are compressed by the caller's node:zlib, with the same
 * result.
 */
export class DeflatePool {
  /** The most blocks of a stream that are compressed or wait for it. */
  readonly room: number;
  readonly #zlib: Zlib;
  readonly #threads: number;
  readonly #waiting: (() => void)[] = [];
  readonly #workers: DeflateWorker[] = [];
  readonly #idle: DeflateWorker[] = [];
  #free: number;
  #streams = 0;
  #started = false;

  private constructor(zlib: Zlib, threads: number) {
    this.#zlib = zlib;
    this.#threads = threads;
    this.#free = Math.max(threads, 1);
    this.room = threads + 2;
  }

  /** Returns the pool of a number of threads for one more stream, which calls {@linkcode leave} when it ends. */
  static join(zlib: Zlib, threads: number): DeflatePool {
    let pool = pools.get(threads);
    if (pool === undefined) pools.set(threads, pool = new DeflatePool(zlib, threads));
    pool.#streams++;
    return pool;
  }

  /**
   * Compresses a block once a place is free.
   *
   * @param before the number of bytes of the stream in front of the block
   */
  async deflate(block: DeflateBlock, before: number, options: DeflateOptions): Promise<Deflated> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      if (this.#streams === 0) throw codecError("the stream was cancelled", "Z_STREAM_ERROR");
      if (before >= WORTH_THREADS) this.#start();
      const worker = this.#idle.pop();
      if (worker === undefined) return await deflateHere(this.#zlib, block, options);
      const deflated = await worker.deflate(block, options);
      this.#idle.push(worker);
      return deflated;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  /** Ends the threads if no other stream needs them. */
  leave(): void {
    if (--this.#streams > 0) return;
    pools.delete(this.#threads);
    for (const worker of this.#workers) worker.terminate().catch(() => {});
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const module = this.#threads > 0 ? threadModule() : undefined;
    if (module === undefined) return;
    try {
      while (this.#workers.length < this.#threads) {
        this.#workers.push(new DeflateWorker(module, (worker) => this.#idle.push(worker)));
      }
    } catch {
      // A host may have the module and start no thread.
    }
  }
}

function deflateHere(zlib: Zlib, block: DeflateBlock, options: DeflateOptions): Promise<Deflated> {
  const { buffer, length } = block;
  return new Promise((resolve, reject) => {
    zlib.deflateRaw(new Uint8Array(buffer, 0, length), options, (error, output) => {
      if (error === null) resolve({ output: toPlainBytes(output as Bytes), buffer });
      else reject(toCodecError(error));
    });
  });
}
