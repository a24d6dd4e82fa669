import type { Bytes, ByteStream } from "./bytes.ts";
import { DeflatePool } from "./deflate_pool.ts";
import type { DeflateBlock, DeflateOptions } from "./deflate_worker.ts";
import { pullStream } from "./pull_stream.ts";

/** Options of {@linkcode gzipBlockStream}. */
export interface GzipBlockOptions {
  /** The module of node. */
  zlib: typeof import("node:zlib");
  /** The level, 1 (fast) to 9 (small). */
  level: number;
  /** The most threads that compress at the same time. */
  threads: number;
}

/** A header without a time, a name and a system (RFC 1952, section 2.3). */
const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/** A last block of DEFLATE without content. */
const END = [3, 0];

/** The length of a block, on which the output depends: in longer ones matches are found for 0.1 % of it more. */
const BLOCK_SIZE = 256 * 1024;

/** The length of the codec's output chunks, on which the output may depend. */
const CHUNK_SIZE = 64 * 1024;

/**
 * Compresses a stream into one gzip member, several blocks at a time: each is compressed on its own and ends at a byte.
 * The result does not depend on the number of threads.
 */
export function gzipBlockStream(source: ByteStream, { zlib, level, threads }: GzipBlockOptions): ByteStream {
  const options: DeflateOptions = { level, finishFlush: zlib.constants.Z_SYNC_FLUSH, chunkSize: CHUNK_SIZE };
  const input = source.getReader();
  const pieces: Promise<Bytes>[] = [];
  const spare: ArrayBuffer[] = [];
  let pool: DeflatePool | undefined;
  let rest: Bytes | undefined;
  let size = 0;
  let checksum = 0;
  let isRead = false;

  /** Reads as many blocks as the pool has room for. */
  async function fill(pool: DeflatePool): Promise<void> {
    while (!isRead && pieces.length < pool.room) {
      const block = await readBlock();
      const { buffer, length } = block;
      if (length > 0) {
        checksum = zlib.crc32(new Uint8Array(buffer, 0, length), checksum);
        const piece = compress(pool, block, size);
        piece.catch(() => {}); // the error is thrown when this piece is awaited
        pieces.push(piece);
        size += length;
      }
      if (length === BLOCK_SIZE) continue;
      isRead = true;
      pieces.push(Promise.resolve(end(checksum, size)));
    }
  }

  /** Reads a block, which is shorter at the end of the input. */
  async function readBlock(): Promise<DeflateBlock> {
    const buffer = spare.pop() ?? new ArrayBuffer(BLOCK_SIZE);
    const bytes = new Uint8Array(buffer);
    let at = 0;
    while (at < bytes.length) {
      const chunk = rest ?? (await input.read()).value;
      if (chunk === undefined) break;
      const taken = chunk.subarray(0, bytes.length - at);
      rest = taken.length < chunk.length ? chunk.subarray(taken.length) : undefined;
      bytes.set(taken, at);
      at += taken.length;
    }
    return { buffer, length: at };
  }

  async function compress(pool: DeflatePool, block: DeflateBlock, before: number): Promise<Bytes> {
    const { output, buffer } = await pool.deflate(block, before, options);
    spare.push(buffer);
    return output;
  }

  function stop(): void {
    isRead = true;
    pieces.length = 0;
    pool?.leave();
    pool = undefined;
  }

  return pullStream({
    async read() {
      try {
        if (pool === undefined && !isRead) {
          pool = DeflatePool.join(zlib, threads);
          pieces.push(Promise.resolve(new Uint8Array(HEADER)));
        }
        if (pool !== undefined) await fill(pool);
        const piece = await pieces.shift();
        if (isRead && pieces.length === 0) stop();
        return piece;
      } catch (error) {
        stop();
        input.cancel(error).catch(() => {});
        throw error;
      }
    },
    async cancel(reason) {
      stop();
      await input.cancel(reason);
    },
  });
}

/** Returns the last block, the checksum of the content and its length (RFC 1952, section 2.3.1). */
function end(checksum: number, size: number): Bytes {
  const bytes = new Uint8Array(10);
  bytes.set(END);
  const view = new DataView(bytes.buffer);
  view.setUint32(2, checksum, true);
  view.setUint32(6, size % 2 ** 32, true);
  return bytes;
}
