import type { FileHandle } from "node:fs/promises";
import type { HashAlgorithm } from "./hash.ts";
import { type HashedRange, hashFile, type HashRange } from "./hash_file.ts";
import { HashThread } from "./hash_thread.ts";
import { abortable } from "./waits.ts";

/** The length from which on a thread is worth its start. */
const WORTH_THREAD = 8 * 1024 * 1024;

/** Hashes parts of an open file: long ones in a thread, while other work goes on. */
export class FileHasher {
  readonly #path: string;
  readonly #handle: FileHandle;
  #thread: HashThread | undefined;

  /** Creates the hasher of a file, by its path and its handle, which stays open. */
  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Starts the thread if a part of this length is worth it, so that it is ready when the part is hashed. */
  prepare(length: number): void {
    if (length >= WORTH_THREAD) this.#thread ??= HashThread.join();
  }

  /** Hashes a part of the file. */
  async hash(algorithm: HashAlgorithm, range: HashRange): Promise<HashedRange> {
    const { offset, length, signal } = range;
    this.prepare(length);
    if (length >= WORTH_THREAD && this.#thread) {
      const { ino, dev } = await this.#handle.stat();
      const job = { path: this.#path, ino, dev, algorithm, offset, length };
      const hashed = await abortable(this.#thread.hash(job), signal);
      if (hashed) return hashed;
    }
    return await hashFile(this.#handle.fd, algorithm, range);
  }

  /** Leaves the thread, which ends if no other file needs it. */
  end(): void {
    this.#thread?.leave();
    this.#thread = undefined;
  }
}
