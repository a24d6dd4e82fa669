import { type Bytes, toPlainBytes } from "./bytes.ts";
import { codecError, toCodecError } from "./codec_stream.ts";
import { nodeModule, runtimeName } from "./host.ts";
import { Thread } from "./thread.ts";

/** The options of `deflateRaw` of node:zlib that a block is compressed with. */
export interface DeflateOptions {
  level: number;
  finishFlush: number;
  chunkSize: number;
}

/** A block at the beginning of a buffer. */
export interface DeflateBlock {
  buffer: ArrayBuffer;
  length: number;
}

/** A compressed block, and the buffer that it was in, to be used again. */
export interface Deflated {
  output: Bytes;
  buffer: ArrayBuffer;
}

/** A thread that compresses blocks. */
type DeflateThread = Thread<DeflateBlock & { options: DeflateOptions }, Deflated>;

const PROGRAM = `
{
  const { parentPort } = process.getBuiltinModule("node:worker_threads");
  const { deflateRawSync } = process.getBuiltinModule("node:zlib");
  parentPort.on("message", ({ buffer, length, options }) => {
    try {
      const output = new Uint8Array(deflateRawSync(new Uint8Array(buffer, 0, length), options));
      parentPort.postMessage({ output, buffer }, [output.buffer, buffer]);
    } catch (error) {
      parentPort.postMessage({ failure: error.message });
    }
  });
}
`;

/** The blocks that a thread has at a time: one that it compresses, and the next. */
const JOBS = 2;

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
  readonly #workers: DeflateThread[] = [];
  readonly #ready: DeflateThread[] = [];
  #free: number;
  #streams = 0;
  #started = false;

  private constructor(zlib: Zlib, threads: number) {
    this.#zlib = zlib;
    this.#threads = threads;
    // Each thread has its next block at hand. Those of node:zlib, one for each processor, take all blocks that they get.
    const isBound = threadModule() === undefined && threads < (globalThis.navigator?.hardwareConcurrency ?? 1);
    this.#free = Math.max(isBound ? threads : JOBS * threads, 1);
    this.room = this.#free + 2;
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
      const [first, ...others] = this.#ready;
      if (first === undefined) return await deflateHere(this.#zlib, block, options);
      const worker = others.reduce((least, other) => other.jobs < least.jobs ? other : least, first);
      return await worker.run({ ...block, options }, [block.buffer]).catch((error) => {
        throw codecError(error.message, "Z_STREAM_ERROR", error);
      });
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
        this.#workers.push(new Thread(module, PROGRAM, (worker) => this.#ready.push(worker)));
      }
    } catch {
      // A host may have the module and start no thread.
    }
  }
}

/**
 * Returns the module with which threads are started, where they make compression faster: node:zlib of Deno compresses
 * on the thread of its caller, while that of Bun and Node.js has threads of its own.
 */
function threadModule(): typeof import("node:worker_threads") | undefined {
  return runtimeName() === "deno" ? nodeModule("node:worker_threads") : undefined;
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
