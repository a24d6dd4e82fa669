import type { FileHandle } from "node:fs/promises";
import type { ByteStream } from "./bytes.ts";
import { requireNodeModule } from "./host.ts";
import { createNewFile, type NewFileOptions } from "./new_file.ts";
import { removeOldTemporaries } from "./old_temporaries.ts";
import { baseName, dirName } from "./paths.ts";
import { ChunkReader } from "./pull_stream.ts";

/** Options of {@linkcode writeFileAtomic}. */
export interface WriteFileOptions extends NewFileOptions {
  /** Stops the writing: no file is left, and the call fails with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Whether to wait until the bytes are on the disk, so that a loss of power can't leave an empty file.
   *
   * @default false
   */
  sync?: boolean;
  /**
   * Whether a symbolic link at the path is replaced, not its target.
   *
   * @default false
   */
  replaceLink?: boolean;
  /**
   * Whether to remove the temporary files that killed programs left of the same file; it takes a list of the directory.
   *
   * @default true
   */
  tidy?: boolean;
}

/** Options of {@linkcode openWriter}. */
export interface OpenWriterOptions {
  /**
   * The permissions of a new file, less the umask.
   * @default 0o666
   */
  mode?: number;
  /**
   * Whether to fail with `EEXIST` if the path exists.
   *
   * @default false
   */
  exclusive?: boolean;
  /**
   * Whether to keep the file's content and write after it; with `"existing"`, fails with `ENOENT` if there is no file.
   *
   * @default false
   */
  append?: boolean | "existing";
}

/** A file that is open for writing. */
export interface FileWriter {
  /** The length of the file so far, at which the next chunk is written. */
  readonly position: number;
  /** The file as a stream: closing it closes the file, aborting it aborts the writer. */
  readonly stream: WritableStream<Uint8Array>;
  /** Writes the whole chunk. Must be awaited before the next call. */
  write(chunk: Uint8Array): Promise<void>;
  /** Waits until the bytes are on the disk. */
  sync(): Promise<void>;
  /** Closes the file; does nothing when called again. */
  close(): Promise<void>;
  /** Closes the file and removes it, unless it was opened with `append`. Does nothing after `close`. */
  abort(): Promise<void>;
}

/**
 * Writes a file atomically: into a temporary file beside it, which is then renamed. On a failure or an abort no new
 * file is left, and an existing file is unchanged. The target of a symbolic link is replaced, not the link; a device or
 * a fifo is written to directly. The new file has the permissions of the one that it replaces, unless `mode` is given.
 * A stream that was not read to its end is cancelled. Temporary files of the same file that a killed program left an
 * hour ago or earlier are removed. Returns the number of bytes.
 */
export async function writeFileAtomic(
  path: string,
  data: Uint8Array | string | ByteStream,
  options: WriteFileOptions = {},
): Promise<number> {
  const { signal, replaceLink = false } = options;
  try {
    signal?.throwIfAborted();
    const target: Target = replaceLink ? { path, isSpecial: false } : await findTarget(path);
    if (target.isSpecial) return await writeDirectly(target.path, data, signal);
    return await replace(target.path, data, { ...options, mode: options.mode ?? target.mode });
  } catch (error) {
    if (data instanceof ReadableStream && !data.locked) data.cancel(error).catch(() => {});
    throw error;
  }
}

/** Where a file is written. */
interface Target {
  path: string;
  /** Whether a device or a fifo is there, which must not be replaced. */
  isSpecial: boolean;
  /** The permissions of the file that is there. */
  mode?: number;
}

async function findTarget(path: string): Promise<Target> {
  const fs = requireNodeModule("node:fs", "The file system").promises;
  try {
    const stats = await fs.stat(path);
    if (!stats.isFile() && !stats.isDirectory()) return { path, isSpecial: true };
    if (stats.isFile()) return { path: await fs.realpath(path), isSpecial: false, mode: stats.mode & 0o777 };
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return { path, isSpecial: false };
    throw error;
  }
  throw Object.assign(new Error(`EISDIR: is a directory, open '${path}'`), { code: "EISDIR", path });
}

async function writeDirectly(
  path: string,
  data: Uint8Array | string | ByteStream,
  signal: AbortSignal | undefined,
): Promise<number> {
  const writer = await NodeFileWriter.open(path, {});
  try {
    await writeAll(data, (chunk) => writer.write(chunk), signal);
  } finally {
    await writer.close();
  }
  return writer.position;
}

async function replace(
  path: string,
  data: Uint8Array | string | ByteStream,
  options: WriteFileOptions,
): Promise<number> {
  const { mode, signal, sync, tidy = true } = options;
  if (tidy) await removeOldTemporaries(dirName(path), baseName(path));
  const file = await createNewFile(path, { mode });
  let written = 0;
  try {
    await writeAll(data, async (chunk) => {
      await file.write(chunk, written);
      written += chunk.byteLength;
    }, signal);
    signal?.throwIfAborted();
    await file.commit(path, { sync });
    return written;
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** Opens a file for writing: empty, or at its end with `append`. */
export function openWriter(path: string, options: OpenWriterOptions = {}): Promise<FileWriter> {
  return NodeFileWriter.open(path, options);
}

async function writeAll(
  data: Uint8Array | string | ByteStream,
  write: (chunk: Uint8Array) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (typeof data === "string") return await write(new TextEncoder().encode(data));
  if (data instanceof Uint8Array) return await write(data);
  const reader = new ChunkReader(data).borrow();
  const onAbort = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    // An abort before the listener is added would otherwise be missed if the source never responds.
    signal?.throwIfAborted();
    for (;;) {
      const value = await reader.read();
      signal?.throwIfAborted();
      if (value === undefined) break;
      await write(value);
    }
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

class NodeFileWriter implements FileWriter {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #append: boolean;
  #position: number;
  #closing: Promise<void> | undefined;
  #stream: WritableStream<Uint8Array> | undefined;

  private constructor(path: string, handle: FileHandle, append: boolean, position: number) {
    this.#path = path;
    this.#handle = handle;
    this.#append = append;
    this.#position = position;
  }

  static async open(path: string, options: OpenWriterOptions): Promise<NodeFileWriter> {
    const { mode = 0o666, exclusive = false, append = false } = options;
    const { promises: fs, constants } = requireNodeModule("node:fs", "The file system");
    const flags = append === "existing"
      ? constants.O_WRONLY | constants.O_APPEND
      : `${append ? "a" : "w"}${exclusive ? "x" : ""}`;
    const handle = await fs.open(path, flags, mode);
    const position = append ? (await handle.stat()).size : 0;
    return new NodeFileWriter(path, handle, append !== false, position);
  }

  get position(): number {
    return this.#position;
  }

  get stream(): WritableStream<Uint8Array> {
    return this.#stream ??= new WritableStream<Uint8Array>({
      write: (chunk) => this.write(chunk),
      close: () => this.close(),
      abort: () => this.abort(),
    });
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.byteLength;) {
      const { bytesWritten } = await this.#handle.write(chunk, start, chunk.byteLength - start);
      start += bytesWritten;
      this.#position += bytesWritten;
    }
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#handle.close();
  }

  async abort(): Promise<void> {
    if (this.#closing !== undefined) return;
    if (this.#append) return await this.close();
    await this.close().catch(() => {});
    await requireNodeModule("node:fs", "The file system").promises.rm(this.#path, { force: true });
  }
}
