import type { Bytes, ByteStream } from "./bytes.ts";
import { type DeflateBlock, type DeflateOptions, DeflatePool } from "./deflate_pool.ts";
import { ChunkReader, pullStream } from "./pull_stream.ts";

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
  const input = new ChunkReader(source).borrow();
  const pieces: Promise<Bytes | undefined>[] = [];
  const spare: ArrayBuffer[] = [];
  let pool: DeflatePool | undefined;
  /** The block that was queued last; it is read after the one in front of it. */
  let last: Promise<DeflateBlock | undefined> = Promise.resolve(undefined);
  let rest: Bytes | undefined;
  let size = 0;
  let checksum = 0;
  let isRead = false;
  let isOver = false;

  /** Queues as many blocks as the pool has room for. A slow source delays none of those in front. */
  function fill(pool: DeflatePool): void {
    while (pieces.length < pool.room) {
      last = last.then(readBlock);
      const piece = last.then((block) => block && compress(pool, block));
      piece.catch(() => {}); // the error is thrown when this piece is awaited
      pieces.push(piece);
    }
  }

  /** Reads a block, which is shorter at the end of the input; `undefined` after it. */
  async function readBlock(): Promise<DeflateBlock | undefined> {
    if (isRead) return undefined;
    const buffer = spare.pop() ?? new ArrayBuffer(BLOCK_SIZE);
    const bytes = new Uint8Array(buffer);
    let at = 0;
    while (at < bytes.length) {
      const chunk = rest ?? await input.read();
      if (chunk === undefined) break;
      const taken = chunk.subarray(0, bytes.length - at);
      rest = taken.length < chunk.length ? chunk.subarray(taken.length) : undefined;
      bytes.set(taken, at);
      at += taken.length;
    }
    isRead = at < bytes.length;
    if (at === 0) return undefined;
    checksum = zlib.crc32(bytes.subarray(0, at), checksum);
    size += at;
    return { buffer, length: at };
  }

  async function compress(pool: DeflatePool, block: DeflateBlock): Promise<Bytes> {
    const { output, buffer } = await pool.deflate(block, size, options);
    spare.push(buffer);
    return output;
  }

  function stop(): void {
    isOver = isRead = true;
    pieces.length = 0;
    pool?.leave();
    pool = undefined;
  }

  return pullStream({
    async read() {
      if (isOver) return undefined;
      try {
        if (pool === undefined) {
          pool = DeflatePool.join(zlib, threads);
          return new Uint8Array(HEADER);
        }
        fill(pool);
        const piece = await pieces.shift();
        if (piece !== undefined) return piece;
        stop();
        return end(checksum, size);
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
