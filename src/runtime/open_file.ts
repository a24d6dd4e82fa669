import type { FileHandle } from "node:fs/promises";
import type { Bytes, ByteStream } from "./bytes.ts";
import { type FileKind, type FileStat, toFileStat } from "./files.ts";
import { bunHost, denoHost, requireNodeModule } from "./host.ts";
import { pullStream } from "./pull_stream.ts";

/** How to open a file for reading. */
export interface OpenFileOptions {
  /**
   * Fail with `ELOOP` where the path itself is a symbolic link.
   * @default false
   */
  noFollow?: boolean;
}

/** Which part of a file to read. */
export interface FileRange {
  /**
   * The first byte.
   * @default 0
   */
  offset?: number;
  /**
   * How many bytes at most; a file that ends earlier ends the stream.
   * @default Infinity
   */
  length?: number;
  /** Fails the stream with its reason. */
  signal?: AbortSignal;
}

/** How to stream from an open file. */
export interface FileStreamOptions extends FileRange {
  /**
   * Close the file when the stream ends, fails or is cancelled.
   * @default false
   */
  closeWhenDone?: boolean;
}

/** A file open for reading. */
export interface OpenFile {
  /** Asks about the file that was opened, whatever its path leads to by now. */
  stat(): Promise<FileStat>;
  /** Reads at `offset` into the buffer and gives the count, 0 at the end of the file. */
  read(into: Bytes, offset: number): Promise<number>;
  /** Returns a stream over a part of the file; several may run side by side. */
  stream(options?: FileStreamOptions): ByteStream;
  /**
   * Returns a body for `fetch` that the runtime reads by itself; `undefined` where it can't. It is good for one
   * request, and the file must stay open until that is over: closing the file ends the body too.
   */
  body(range: { offset: number; length: number }, url: URL): Promise<BodyInit | undefined>;
  /** Closes the file. */
  close(): Promise<void>;
}

const CHUNK_SIZE = 256 * 1024;

/** Opens a file for reading. Opening a fifo does not wait for a writer: look at `stat().kind` before reading. */
export function openFile(path: string, options: OpenFileOptions = {}): Promise<OpenFile> {
  const { O_NONBLOCK = 0 } = requireNodeModule("node:fs", "The file system").constants;
  return NodeOpenFile.open(path, O_NONBLOCK, options.noFollow ?? false);
}

/**
 * Returns a stream over a file, or a part of it, that is opened at the first read and closed at the end, on failure or
 * on cancel. A fifo or a device is read as it comes, from where it stands.
 */
export function readStream(path: string, range: FileRange = {}): ByteStream {
  return fileStream(() => NodeOpenFile.open(path, 0, false), { ...range, closeWhenDone: true });
}

class NodeOpenFile implements OpenFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #bodies: Deno.FsFile[] = [];
  #closing: Promise<void> | undefined;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async open(path: string, flags: number, noFollow: boolean): Promise<NodeOpenFile> {
    const fs = requireNodeModule("node:fs", "The file system");
    const { O_RDONLY, O_NOFOLLOW } = fs.constants;
    // Windows has no such flag; there the question comes a moment before the opening.
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

  /** Reads at `position`, or where the file stands if that is `null`. */
  async readAt(into: Bytes, position: number | null): Promise<number> {
    const { bytesRead } = await this.#handle.read(into, 0, into.byteLength, position);
    return bytesRead;
  }

  stream(options: FileStreamOptions = {}): ByteStream {
    return fileStream(() => Promise.resolve(this), options, this);
  }

  async body({ offset, length }: { offset: number; length: number }, url: URL): Promise<BodyInit | undefined> {
    const bun = bunHost();
    // Over TLS Bun would read the whole file into memory.
    if (bun) return url.protocol === "http:" ? bun.file(this.#handle.fd).slice(offset, offset + length) : undefined;
    const file = await denoFile(this.#path, await this.stat(), { offset, length });
    if (file) this.#bodies.push(file);
    return file?.readable;
  }

  close(): Promise<void> {
    for (const file of this.#bodies.splice(0)) closeDenoFile(file);
    return this.#closing ??= this.#handle.close();
  }
}

/** Deno streams a file by itself from where it stands to its end, so only such a range can be had. */
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

/** A request that came to its end has closed the file; one that failed before it began to read has not. */
function closeDenoFile(file: Deno.FsFile): void {
  try {
    file.close();
  } catch (error) {
    if ((error as Error).name !== "BadResource") throw error;
  }
}

const seekable: ReadonlySet<FileKind> = new Set(["file", "blockDevice", "directory"]);

/** Streams from the file that `open` gives at the first read; one that is open already is closed even before that. */
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

  async function readNext(): Promise<Bytes | undefined> {
    signal?.throwIfAborted();
    if (file === undefined) {
      file = await open();
      isSeekable = seekable.has((await file.stat()).kind);
    }
    const wanted = Math.min(CHUNK_SIZE, end - position);
    if (wanted === 0) return undefined;
    const chunk = new Uint8Array(wanted);
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
      // The file may be about to open, or in use by a read.
      await reading?.catch(() => {});
      await finish();
    },
  });
}
