import type { FileHandle } from "node:fs/promises";
import type { Bytes, ByteStream } from "./bytes.ts";
import { FileHasher } from "./file_hasher.ts";
import { type FileKind, type FileStat, toFileStat } from "./files.ts";
import type { HashAlgorithm } from "./hash.ts";
import type { HashedRange, HashRange } from "./hash_file.ts";
import { bunHost, denoHost, requireNodeModule, runtimeName } from "./host.ts";
import { pullStream } from "./pull_stream.ts";

/** Options of {@linkcode openFile}. */
export interface OpenFileOptions {
  /**
   * Whether to fail with `ELOOP` if the path itself is a symbolic link.
   *
   * @default false
   */
  noFollow?: boolean;
}

/** The part of a file to read. */
export interface FileRange {
  /**
   * The index of the first byte.
   *
   * @default 0
   */
  offset?: number;
  /**
   * The most bytes to read; the end of the file ends the stream earlier.
   *
   * @default Infinity
   */
  length?: number;
  /** Fails the stream with the signal's reason. */
  signal?: AbortSignal;
}

/** Options of {@linkcode OpenFile.stream}. */
export interface FileStreamOptions extends FileRange {
  /**
   * Whether to close the file when the stream ends, fails or is cancelled.
   *
   * @default false
   */
  closeWhenDone?: boolean;
}

/** A file that is open for reading. */
export interface OpenFile {
  /** Reads the metadata of the opened file, even if its path has changed since. */
  stat(): Promise<FileStat>;
  /** Reads at `offset` into the buffer and returns the number of bytes, 0 at the end of the file. */
  read(into: Bytes, offset: number): Promise<number>;
  /** Hashes a part of the file, in less time than through a stream. */
  hash(algorithm: HashAlgorithm, range: HashRange): Promise<HashedRange>;
  /** Returns a stream over a part of the file; several may be read at the same time. */
  stream(options?: FileStreamOptions): ByteStream;
  /**
   * Returns a body for `fetch` that the runtime reads by itself, or on Deno, for a part before the end of the file, the
   * shortest stream; `undefined` if there is neither. The body works for one request, during which the file must stay
   * open: closing the file ends the body too.
   */
  body(range: { offset: number; length: number }, url: URL): Promise<NonNullable<RequestInit["body"]> | undefined>;
  /** Closes the file. */
  close(): Promise<void>;
}

const CHUNK_SIZE = 256 * 1024;

/** The size of a buffer that is filled again and again: a larger one, since it leaves no garbage. */
const BUFFER_SIZE = 512 * 1024;

/** Opens a file for reading. Opening a fifo does not wait for a writer: check `stat().kind` before reading. */
export function openFile(path: string, options: OpenFileOptions = {}): Promise<OpenFile> {
  const { O_NONBLOCK = 0 } = requireNodeModule("node:fs", "The file system").constants;
  return NodeOpenFile.open(path, O_NONBLOCK, options.noFollow ?? false);
}

/**
 * Returns a stream over a file or a part of it. The file is opened at the first read and closed at the end, on failure
 * or on cancel. A fifo or a device is read sequentially.
 */
export function readStream(path: string, range: FileRange = {}): ByteStream {
  return fileStream(() => NodeOpenFile.open(path, 0, false), { ...range, closeWhenDone: true });
}

class NodeOpenFile implements OpenFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #hasher: FileHasher;
  readonly #bodies: Deno.FsFile[] = [];
  #closing: Promise<void> | undefined;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
    this.#hasher = new FileHasher(path, handle);
  }

  static async open(path: string, flags: number, noFollow: boolean): Promise<NodeOpenFile> {
    const fs = requireNodeModule("node:fs", "The file system");
    const { O_RDONLY, O_NOFOLLOW } = fs.constants;
    // workerd creates a missing file that is opened for reading.
    if (runtimeName() === "workerd") await fs.promises.stat(path);
    // Windows has no such flag, so the check runs just before the opening.
    if (noFollow && O_NOFOLLOW === undefined && (await fs.promises.lstat(path)).isSymbolicLink()) {
      throw Object.assign(new Error(`ELOOP: is a symbolic link, open '${path}'`), { code: "ELOOP", path });
    }
    const all = O_RDONLY | flags | (noFollow ? O_NOFOLLOW ?? 0 : 0);
    return new NodeOpenFile(path, await fs.promises.open(path, all));
  }

  async stat(): Promise<FileStat> {
    return toFileStat(await this.#handle.stat());
  }

  read(into: Bytes, offset: number): Promise<number> {
    return this.readAt(into, offset);
  }

  /** Reads at `position`, or at the file's own position if that is `null`. */
  async readAt(into: Bytes, position: number | null): Promise<number> {
    const { bytesRead } = await this.#handle.read(into, 0, into.byteLength, position);
    return bytesRead;
  }

  hash(algorithm: HashAlgorithm, range: HashRange): Promise<HashedRange> {
    return this.#hasher.hash(algorithm, range);
  }

  stream(options: FileStreamOptions = {}): ByteStream {
    return fileStream(() => Promise.resolve(this), options, this);
  }

  async body(
    { offset, length }: { offset: number; length: number },
    url: URL,
  ): Promise<NonNullable<RequestInit["body"]> | undefined> {
    const bun = bunHost();
    // Bun reads the whole file into memory over TLS.
    if (bun) return url.protocol === "http:" ? bun.file(this.#handle.fd).slice(offset, offset + length) : undefined;
    const file = await denoFile(this.#path, await this.stat(), { offset, length });
    if (file) this.#bodies.push(file);
    return file?.readable ?? (denoHost() && syncStream(this.#handle, { offset, length }));
  }

  close(): Promise<void> {
    this.#hasher.end();
    for (const file of this.#bodies.splice(0)) closeDenoFile(file);
    return this.#closing ??= this.#handle.close();
  }
}

/** Opens a file that Deno reads by itself from its position to its end, so only for a range that ends with the file. */
async function denoFile(
  path: string,
  opened: FileStat,
  { offset, length }: { offset: number; length: number },
): Promise<Deno.FsFile | undefined> {
  const deno = denoHost();
  if (!deno || opened.size !== offset + length) return undefined;
  const file = await deno.open(path);
  try {
    const { ino, dev } = await file.stat();
    if (ino !== opened.ino || dev !== opened.dev) throw new Error(`${path} was exchanged`);
    await file.seek(offset, 0);
    return file;
  } catch {
    file.close();
    return undefined;
  }
}

/** Closes a file unless it is closed: a finished request has closed it, but one that failed before reading has not. */
function closeDenoFile(file: Deno.FsFile): void {
  try {
    file.close();
  } catch (error) {
    if ((error as Error).name !== "BadResource") throw error;
  }
}

/** The size of the chunks of a body: larger ones cost memory, as many are on their way at a time. */
const BODY_CHUNK_SIZE = 64 * 1024;

/** Streams a part of a file by synchronous reads, which take less CPU time. */
function syncStream(handle: FileHandle, { offset, length }: { offset: number; length: number }): ByteStream {
  const { readSync } = requireNodeModule("node:fs", "The file system");
  const end = offset + length;
  let position = offset;
  return pullStream({
    read() {
      const chunk = new Uint8Array(Math.min(BODY_CHUNK_SIZE, end - position));
      if (chunk.length === 0) return undefined;
      const count = readSync(handle.fd, chunk, 0, chunk.length, position);
      position += count;
      return count === 0 ? undefined : chunk.subarray(0, count);
    },
  });
}

const seekable: ReadonlySet<FileKind> = new Set(["file", "blockDevice", "directory"]);

/**
 * Streams from the file that `open` returns at the first read; a file that is open already is closed even without a
 * read.
 */
function fileStream(
  open: () => Promise<NodeOpenFile>,
  options: FileStreamOptions,
  opened?: NodeOpenFile,
): ByteStream {
  const { offset = 0, length = Infinity, signal, closeWhenDone = false } = options;
  const end = offset + length;
  let position = offset;
  let file: NodeOpenFile | undefined;
  let isSeekable = true;
  let reading: Promise<Bytes | undefined> | undefined;
  let isLent = false;
  let buffer: Bytes | undefined;

  async function readNext(): Promise<Bytes | undefined> {
    signal?.throwIfAborted();
    if (file === undefined) {
      file = await open();
      isSeekable = seekable.has((await file.stat()).kind);
    }
    const wanted = Math.min(isLent ? BUFFER_SIZE : CHUNK_SIZE, end - position);
    if (wanted === 0) return undefined;
    const chunk = isLent ? (buffer ??= new Uint8Array(wanted)).subarray(0, wanted) : new Uint8Array(wanted);
    const count = await file.readAt(chunk, isSeekable ? position : null);
    signal?.throwIfAborted();
    position += count;
    if (count === 0) return undefined;
    return count === wanted ? chunk : chunk.subarray(0, count);
  }

  async function finish(): Promise<void> {
    if (closeWhenDone) await (file ?? opened)?.close();
  }

  return pullStream({
    async read() {
      try {
        reading = readNext();
        const chunk = await reading;
        if (chunk !== undefined) return chunk;
        await finish();
      } catch (error) {
        await finish().catch(() => {});
        throw error;
      }
    },
    async cancel() {
      // The file may be in the process of being opened or read.
      await reading?.catch(() => {});
      await finish();
    },
    lend: () => void (isLent = true),
  });
}
