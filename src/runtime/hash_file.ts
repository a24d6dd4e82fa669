import type { Bytes } from "./bytes.ts";
import { type HashAlgorithm, streamingHashSync } from "./hash.ts";
import { notSupported, requireNodeModule } from "./host.ts";

/** The part of a file to hash. */
export interface HashRange {
  /** The index of the first byte. */
  offset: number;
  /** The most bytes to hash; the end of the file ends the hash earlier. */
  length: number;
  /** Fails the call with the signal's reason. */
  signal?: AbortSignal;
}

/** The hash of a part of a file. */
export interface HashedRange {
  /** The hash in lower-case hexadecimal digits. */
  readonly hex: string;
  /** The number of hashed bytes. */
  readonly size: number;
}

const CHUNK_SIZE = 256 * 1024;

/** The number of chunks after which other work gets its turn. */
const CHUNKS_PER_TURN = 16;

/** Each read is hashed before the next one of any file, so all files share one buffer. */
let buffer: Bytes | undefined;

/**
 * Hashes a part of an open file, by its descriptor. Reads synchronously, since asynchronous reads into new buffers take
 * up to three times the CPU time.
 */
export async function hashFile(
  descriptor: number,
  algorithm: HashAlgorithm,
  { offset, length, signal }: HashRange,
): Promise<HashedRange> {
  const fs = requireNodeModule("node:fs", "The file system");
  const hash = streamingHashSync(algorithm);
  if (hash === undefined) throw notSupported("A hash of a file");
  buffer ??= new Uint8Array(CHUNK_SIZE);
  let size = 0;
  for (let reads = 1; size < length; reads++) {
    const count = fs.readSync(descriptor, buffer, 0, Math.min(CHUNK_SIZE, length - size), offset + size);
    if (count === 0) break;
    hash.update(buffer.subarray(0, count));
    size += count;
    if (reads % CHUNKS_PER_TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    signal?.throwIfAborted();
  }
  return { hex: hash.hexSync(), size };
}
