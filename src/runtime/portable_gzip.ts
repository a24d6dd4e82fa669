import type { Gzip } from "fflate/browser";
import type { Bytes, ByteStream } from "./bytes.ts";
import { blockInput } from "./codec_stream.ts";
import { pullStream } from "./pull_stream.ts";

/** Options of {@linkcode portableGzipStream}: the level, 1 (fast) to 9 (small). */
export interface PortableGzipOptions {
  level: number;
}

/** The length of the codec's input blocks, on which the output depends. */
const BLOCK_SIZE = 64 * 1024;

/**
 * The size of the codec's hash table, on which the output depends too: 2^16 entries, which are cleared quickly for each
 * of many short streams.
 */
const MEMORY = 4;

/**
 * Compresses with gzip in JavaScript: the same bytes give the same result on every runtime. The header contains no
 * time. The output depends on the exact version of fflate, on {@linkcode BLOCK_SIZE} and on {@linkcode MEMORY}.
 *
 * @throws {RangeError} if the level does not exist.
 */
export function portableGzipStream(source: ByteStream, { level }: PortableGzipOptions): ByteStream {
  if (!Number.isInteger(level) || level < 1 || level > 9) {
    throw new RangeError(`the level of gzip must be a whole number from 1 to 9, not ${level}`);
  }
  const input = blockInput(source, BLOCK_SIZE);
  const ready: Bytes[] = [];
  let codec: Gzip | undefined;
  let next: Promise<Bytes | undefined> | undefined;
  let ended = false;

  /** Feeds one block to the codec, which needs to know the last one. */
  async function feed(codec: Gzip): Promise<void> {
    const block = await (next ?? input.read());
    next = input.read();
    next.catch(() => {}); // the error is thrown when this block is awaited
    ended = await next === undefined;
    codec.push(block ?? new Uint8Array(0), ended);
  }

  return pullStream({
    async read() {
      try {
        codec ??= await openCodec(level, (chunk) => ready.push(chunk));
        while (ready.length === 0 && !ended) await feed(codec);
        return ready.shift();
      } catch (error) {
        input.cancel(error).catch(() => {});
        throw error;
      }
    },
    cancel: (reason) => input.cancel(reason),
  });
}

/** Loads the codec on first use. */
async function openCodec(level: number, emit: (chunk: Bytes) => void): Promise<Gzip> {
  const { Gzip } = await import("fflate/browser");
  const codec = new Gzip({ level: level as 1, mem: MEMORY, mtime: 0 });
  codec.ondata = (chunk) => {
    if (chunk.length > 0) emit(chunk as Bytes);
  };
  return codec;
}
