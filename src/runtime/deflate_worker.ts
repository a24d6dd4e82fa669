import type { Worker } from "node:worker_threads";
import type { Bytes } from "./bytes.ts";
import { codecError } from "./codec_stream.ts";
import { nodeModule, runtimeName } from "./host.ts";

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

/**
 * The program of a thread. It is text, as a bundle or an executable has no file for it, and it imports nothing, so that
 * it starts without permissions.
 */
const PROGRAM = `
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
parentPort.postMessage({});
`;

/** Makes a thread collect its garbage early: by default it keeps 32 MB of buffers that are used no longer. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 1 };

/** A thread that compresses one block at a time. It does not keep the process alive while it has none. */
export class DeflateWorker {
  readonly #worker: Worker;
  #job: PromiseWithResolvers<Deflated> | undefined;

  /** Starts a thread. Calls `onReady` when it can take a block, and never if it can't start. */
  constructor({ Worker }: typeof import("node:worker_threads"), onReady: (worker: DeflateWorker) => void) {
    this.#worker = new Worker(PROGRAM, { eval: true, resourceLimits: RESOURCE_LIMITS });
    this.#worker.unref();
    this.#worker.on("message", (answer: Partial<Deflated> & { failure?: string }) => {
      if (this.#job === undefined) onReady(this);
      else if (answer.failure === undefined) this.#end().resolve(answer as Deflated);
      else this.#end().reject(codecError(answer.failure, "Z_STREAM_ERROR"));
    });
    const fail = (cause?: unknown) => {
      if (this.#job) this.#end().reject(codecError("the thread that compresses has ended", "Z_STREAM_ERROR", cause));
    };
    this.#worker.on("error", fail);
    this.#worker.on("exit", () => fail());
  }

  /** Compresses a block and takes its buffer until then. Call it once the previous one has ended. */
  deflate(block: DeflateBlock, options: DeflateOptions): Promise<Deflated> {
    const job = this.#job = Promise.withResolvers<Deflated>();
    this.#worker.ref();
    this.#worker.postMessage({ ...block, options }, [block.buffer]);
    return job.promise;
  }

  /** Ends the thread; a block that it has fails. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #end(): PromiseWithResolvers<Deflated> {
    const job = this.#job!;
    this.#job = undefined;
    this.#worker.unref();
    return job;
  }
}

/**
 * Returns the module with which threads are started, where they make compression faster: node:zlib of Deno compresses
 * on the thread of its caller, while that of Bun and Node.js has threads of its own.
 */
export function threadModule(): typeof import("node:worker_threads") | undefined {
  return runtimeName() === "deno" ? nodeModule("node:worker_threads") : undefined;
}
