import { BoundedMap } from "../../../io/mod.ts";
import { type Bytes, openFile } from "../../../runtime/mod.ts";
import type { Algorithm } from "../../../spec/mod.ts";
import { RunningHash } from "../running_hash.ts";

/** The most uploads whose hash is kept between two requests; the bytes of others are read again. */
const CAPACITY = 1_000;
const CHUNK_SIZE = 256 * 1024;

/**
 * The hashes of uploads between two requests. A hash belongs to the request that took it until it is given back, so that
 * it never follows two writers. A missing hash, such as that of bytes that another process wrote, is made from the file.
 */
export class UploadHashes {
  readonly #hashes = new BoundedMap<string, RunningHash>(CAPACITY);

  /** Takes the hash of the first `size` bytes of an upload. */
  async take(
    id: string,
    upload: { path: string; size: number; algorithm: Algorithm; signal?: AbortSignal },
  ): Promise<RunningHash> {
    const kept = this.#hashes.get(id);
    this.#hashes.delete(id);
    const usable = kept !== undefined && kept.algorithm === upload.algorithm && kept.size <= upload.size;
    const hash = usable ? kept : await RunningHash.start(upload.algorithm);
    if (hash.size < upload.size) await follow(hash, upload);
    return hash;
  }

  /** Keeps a hash for the next request. */
  giveBack(id: string, hash: RunningHash): void {
    this.#hashes.set(id, hash);
  }

  /** Forgets the hash of an upload that is over. */
  forget(id: string): void {
    this.#hashes.delete(id);
  }
}

/** Hashes a file up to the given size. */
async function follow(hash: RunningHash, upload: { path: string; size: number; signal?: AbortSignal }): Promise<void> {
  const file = await openFile(upload.path, { noFollow: true });
  try {
    while (hash.size < upload.size) {
      upload.signal?.throwIfAborted();
      const buffer: Bytes = new Uint8Array(Math.min(CHUNK_SIZE, upload.size - hash.size));
      const count = await file.read(buffer, hash.size);
      if (count === 0) return;
      hash.update(buffer.subarray(0, count));
    }
  } finally {
    await file.close();
  }
}
