import type { Transform } from "node:stream";
import type { Bytes, ByteStream } from "./bytes.ts";
import { NodeReader } from "./node_readable.ts";
import { ChunkReader, pullStream } from "./pull_stream.ts";

/** The input of a codec: whole chunks, one at a time. */
export interface CodecInput {
  /** Returns the next chunk, which is never empty, or `undefined` at the end. */
  read(): Promise<Bytes | undefined>;
  /** Cancels the rest of the input. */
  cancel(reason: unknown): Promise<void>;
}

/** A codec of node:zlib, which counts the input that it has consumed. */
export interface NodeCodec extends Transform {
  readonly bytesWritten: number;
}

/** Options of {@linkcode codecStream}. */
export interface CodecStreamOptions {
  /** Creates the codec. Called at the first read, so that a stream that is never read holds no handle. */
  open: () => NodeCodec;
  /**
   * Whether the codec may end before its input; the rest must be zero padding.
   *
   * @default false
   */
  padded?: boolean;
}

/**
 * Creates an `Error` with the code `Z_DATA_ERROR` (corrupt) or `Z_BUF_ERROR` (ends early), the same for every codec.
 */
export function codecError(message: string, code: string, cause?: unknown): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { name: "CodecError", code });
}

/** Converts a codec's error into one with a uniform name and code, as each runtime has its own. */
export function toCodecError(error: unknown): Error {
  const { message, code } = error as { message?: string; code?: unknown };
  const known = typeof code === "string" && code.startsWith("Z_") ? code : "Z_DATA_ERROR";
  return codecError(message ?? String(error), known, error);
}

/**
 * Cuts a stream into blocks of exactly `size`, except for the last: a compressor's output depends on how its input is
 * cut, and a decompressor is a quarter slower on small chunks, as it flushes after each. Two buffers are filled in turn,
 * so that a block stays as it is until the second read after it.
 */
export function blockInput(source: ByteStream, size: number): CodecInput {
  const reader = new ChunkReader(source).borrow();
  const blocks: Bytes[] = [];
  let turn = 0;
  let rest: Bytes | undefined;
  return {
    async read() {
      turn = 1 - turn;
      let filled = 0;
      for (;;) {
        const chunk = rest ?? await reader.read();
        rest = undefined;
        if (chunk === undefined) return filled === 0 ? undefined : blocks[turn].subarray(0, filled);
        const block = blocks[turn] ??= new Uint8Array(size);
        const taken = chunk.subarray(0, size - filled);
        block.set(taken, filled);
        filled += taken.byteLength;
        if (taken.byteLength < chunk.byteLength) rest = chunk.subarray(taken.byteLength);
        if (filled === size) return block;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

/**
 * Passes an input through a codec of node:zlib, which runs at most a few chunks ahead of the reader. The input is
 * cancelled if the stream is cancelled or the codec fails.
 */
export function codecStream(input: CodecInput, options: CodecStreamOptions): ByteStream {
  let codec: NodeCodec | undefined;
  let output: NodeReader | undefined;
  let fed: Promise<void> | undefined;
  let stopped = false;

  function start(): NodeReader {
    codec = options.open();
    const started = output = new NodeReader(codec, toCodecError);
    fed = feed(codec);
    fed.catch((error) => started.fail(error));
    return started;
  }

  async function feed(codec: NodeCodec): Promise<void> {
    let given = 0;
    let next = input.read();
    for (;;) {
      const chunk = await next;
      if (chunk === undefined || stopped) break;
      given += chunk.byteLength;
      const written = write(codec, chunk);
      next = input.read();
      next.catch(() => {});
      await written;
      if (stopped) return;
      if (options.padded && codec.readableEnded) {
        return await skipPadding(chunk.subarray(chunk.byteLength - (given - codec.bytesWritten)), next);
      }
    }
    codec.end();
  }

  async function skipPadding(tail: Bytes, next: Promise<Bytes | undefined>): Promise<void> {
    for (let padding: Bytes | undefined = tail; padding !== undefined; next = input.read()) {
      if (padding.some((byte) => byte !== 0)) throw codecError("garbage after the end of the stream", "Z_DATA_ERROR");
      padding = await next;
    }
  }

  async function stop(reason: unknown): Promise<void> {
    stopped = true;
    codec?.destroy();
    await input.cancel(reason);
  }

  return pullStream({
    async read() {
      try {
        output ??= start();
        const chunk = await output.read();
        if (chunk !== undefined) return chunk;
        await fed;
        codec?.destroy();
      } catch (error) {
        stop(error).catch(() => {});
        throw error;
      }
    },
    cancel: stop,
  });
}

/** Resolves once the codec has consumed the chunk, has ended or has failed; the reader receives the failure. */
function write(codec: NodeCodec, chunk: Bytes): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      codec.off("end", settle);
      codec.off("close", settle);
      resolve();
    };
    codec.once("end", settle);
    codec.once("close", settle);
    codec.write(chunk, settle);
  });
}
