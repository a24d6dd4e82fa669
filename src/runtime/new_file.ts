import type { FileHandle } from "node:fs/promises";
import { FileHasher } from "./file_hasher.ts";
import { rename, writeAt } from "./files.ts";
import type { HashAlgorithm } from "./hash.ts";
import type { HashedRange, HashRange } from "./hash_file.ts";
import { requireNodeModule } from "./host.ts";
import { baseName, dirName, joinPath } from "./paths.ts";
import { receiveBody, type Received, type ReceiveOptions, receivesNatively } from "./receive.ts";
import { forgetTemporary, registerTemporary } from "./temporaries.ts";

/** A file under a temporary name until it is committed; its parts can be written in any order. */
export interface NewFile {
  /** Writes the whole chunk at `position`. Concurrent writes are allowed; gaps between them read as zeros. */
  write(chunk: Uint8Array, position: number): Promise<void>;
  /**
   * Writes the body of a response at `position`, and hashes it on the way unless the runtime writes it by itself: in less
   * time than a stream takes. Does not reject: the result has the error.
   *
   * @param get requests the response; its signal also ends the body
   */
  receive(
    get: (signal: AbortSignal) => Promise<Response>,
    position: number,
    options: ReceiveOptions,
  ): Promise<Received>;
  /** Hashes a part of what was written. */
  hash(algorithm: HashAlgorithm, range: HashRange): Promise<HashedRange>;
  /**
   * Closes the file and renames it to `path`; replaces a file or a symbolic link of that name. With `sync`, the bytes
   * are on the disk before that.
   */
  commit(path: string, options?: { sync?: boolean }): Promise<void>;
  /** Waits for pending writes, then closes and removes the file. Does nothing after `commit`. */
  discard(): Promise<void>;
}

/** Options of {@linkcode createNewFile}. */
export interface NewFileOptions {
  /**
   * The permissions of the file, regardless of the umask.
   *
   * @default 0o666 less the umask
   */
  mode?: number;
}

/**
 * Creates a file beside `path`, so that a rename can move it to `path` or to any other name in the same file system.
 * `removeTemporaries` removes it when the program is interrupted.
 */
export async function createNewFile(path: string, { mode }: NewFileOptions = {}): Promise<NewFile> {
  const name = `.${baseName(path).slice(0, 100)}.${crypto.randomUUID().slice(0, 13)}.tmp`;
  const temporary = joinPath(dirName(path), name);
  const fs = requireNodeModule("node:fs", "The file system").promises;
  let file: NewFile | undefined;
  registerTemporary(temporary);
  try {
    file = new NodeNewFile(temporary, await fs.open(temporary, "wx+", mode));
    if (mode !== undefined) await fs.chmod(temporary, mode);
    return file;
  } catch (error) {
    await file?.discard();
    forgetTemporary(temporary);
    throw error;
  }
}

class NodeNewFile implements NewFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #hasher: FileHasher;
  readonly #writes = new Set<Promise<unknown>>();
  #over = false;

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
    this.#hasher = new FileHasher(path, handle);
  }

  write(chunk: Uint8Array, position: number): Promise<void> {
    return this.#pending(writeAt(this.#handle, chunk, position));
  }

  receive(
    get: (signal: AbortSignal) => Promise<Response>,
    position: number,
    options: ReceiveOptions,
  ): Promise<Received> {
    if (receivesNatively(position)) this.#hasher.prepare(options.size);
    return this.#pending(receiveBody(this.#handle, get, position, options));
  }

  hash(algorithm: HashAlgorithm, range: HashRange): Promise<HashedRange> {
    return this.#hasher.hash(algorithm, range);
  }

  async commit(path: string, { sync = false } = {}): Promise<void> {
    this.#hasher.end();
    if (sync) await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#path, path);
    this.#over = true;
    forgetTemporary(this.#path);
  }

  async discard(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#hasher.end();
    await Promise.allSettled(this.#writes);
    await this.#handle.close().catch(() => {});
    await requireNodeModule("node:fs", "The file system").promises.rm(this.#path, { force: true });
    forgetTemporary(this.#path);
  }

  /** Keeps the file open until a write has ended. */
  async #pending<T>(write: Promise<T>): Promise<T> {
    this.#writes.add(write);
    try {
      return await write;
    } finally {
      this.#writes.delete(write);
    }
  }
}
