import { FileError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import {
  type Bytes,
  type ByteStream,
  type DirectoryEntry,
  type FileStat,
  joinPath,
  lstat,
  type OpenFile,
  openFile,
  readDirectory,
  readLink,
  stat,
} from "../runtime/mod.ts";
import { type TarChunks, type TarNewEntry, writeTar } from "../tar/mod.ts";
import { layerFromUncompressed } from "./layer_core.ts";
import type { LayerOptions } from "./layer_sources.ts";
import type { Layer } from "./view.ts";

/** Options of {@linkcode tarDirectory}. */
export interface TarDirectoryOptions {
  /**
   * Where in the image the files go: `usr/local/app`.
   * @default the root
   */
  prefix?: string;
  /**
   * The time of change for every entry, in seconds since 1970; with it the same files give the same archive.
   * @default each file's own, in whole seconds
   */
  mtime?: number;
  /**
   * Who owns every entry.
   * @default 0:0, as image builders have it
   */
  owner?: { readonly uid: number; readonly gid: number };
  /**
   * Whether each entry keeps the owner that its file has; then `owner` counts for nothing.
   * @default false
   */
  preserveOwner?: boolean;
  /**
   * Told about each file that can't be in an archive: a socket.
   * @default nobody
   */
  onSkip?: (path: string, reason: string) => void;
}

/** Options of {@linkcode layerFromDirectory}. */
export interface DirectoryLayerOptions extends TarDirectoryOptions, LayerOptions, AbortOptions {}

/** The most bytes read at a time. */
const CHUNK_SIZE = 256 * 1024;

/**
 * A tar of what a directory holds, made anew whenever it is opened: files, directories, symbolic and hard links, fifos
 * and devices, sorted by the bytes of their names. Links are never followed. Nothing is kept in memory but the names of
 * the directories on the way and of files that have several.
 *
 * The stream fails with a {@linkcode FileError} that names the file, when one can't be read or changes its size while it
 * is.
 */
export function tarDirectory(
  path: string,
  options: TarDirectoryOptions = {},
): (options?: AbortOptions) => Promise<ByteStream> {
  const prefix = cleanPrefix(options.prefix ?? "");
  return ({ signal } = {}) => Promise.resolve(writeTar(new Walk(path, prefix, options).entries(), { signal }));
}

/**
 * A layer of what a directory holds, see {@linkcode tarDirectory}. The files are read whenever the layer is.
 *
 * @throws {FileError} when there is no such directory.
 */
export async function layerFromDirectory(path: string, options: DirectoryLayerOptions = {}): Promise<Layer> {
  const { compression, level, mediaType, annotations, signal } = options;
  signal?.throwIfAborted();
  const { kind } = await reading(path, stat(path));
  if (kind !== "directory") throw new FileError(`${path} is not a directory`, { errno: "ENOTDIR" });
  return layerFromUncompressed({
    uncompressed: tarDirectory(path, options),
    compression,
    level,
    mediaType,
    annotations,
  });
}

function cleanPrefix(prefix: string): string {
  const parts = prefix.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new TypeError(`the prefix ${JSON.stringify(prefix)} leaves the image`);
  return parts.map((part) => `${part}/`).join("");
}

/** A directory on the way: what it is called in the file system and in the archive, and what is left of it. */
interface Level {
  path: string;
  name: string;
  left: Iterator<DirectoryEntry>;
}

/** One walk over a directory. */
class Walk {
  readonly #path: string;
  readonly #prefix: string;
  readonly #options: TarDirectoryOptions;
  /** The entry of each file with several names, by device and number. */
  readonly #linked = new Map<string, string>();

  constructor(path: string, prefix: string, options: TarDirectoryOptions) {
    this.#path = path;
    this.#prefix = prefix;
    this.#options = options;
  }

  /** The entries, each as soon as the one before it is written. */
  async *entries(): AsyncGenerator<TarNewEntry, void, undefined> {
    const levels = [await this.#level(this.#path, this.#prefix)];
    while (levels.length > 0) {
      const level = levels[levels.length - 1];
      const next = level.left.next();
      if (next.done) {
        levels.pop();
        continue;
      }
      const path = joinPath(level.path, next.value.name);
      const name = level.name + next.value.name;
      if (next.value.kind === "file") {
        yield* this.#file(path, name);
        continue;
      }
      const found = await reading(path, lstat(path));
      const entry = await this.#entry(path, name, found);
      if (entry) yield entry;
      if (found.kind === "directory") levels.push(await this.#level(path, `${name}/`));
    }
  }

  async #level(path: string, name: string): Promise<Level> {
    return { path, name, left: (await reading(path, readDirectory(path))).values() };
  }

  /** The entry of what has no content. */
  async #entry(path: string, name: string, found: FileStat): Promise<TarNewEntry | undefined> {
    const common = this.#attributes(name, found);
    switch (found.kind) {
      case "directory":
        return { ...common, path: `${name}/`, type: "directory" };
      case "symlink":
        return { ...common, type: "symlink", mode: 0o777, linkname: await reading(path, readLink(path)) };
      case "fifo":
        return { ...common, type: "fifo" };
      case "characterDevice":
      case "blockDevice":
        return { ...common, type: found.kind, devMajor: found.deviceMajor, devMinor: found.deviceMinor };
      case "socket":
        this.#options.onSkip?.(path, "a socket can't be in an archive");
        return undefined;
      case "file":
        throw changed(path, "it became a file");
    }
  }

  /** The entry of a file, which stays open until the next entry is asked for. */
  async *#file(path: string, name: string): AsyncGenerator<TarNewEntry, void, undefined> {
    const file = await reading(path, openFile(path, { noFollow: true }));
    try {
      const found = await reading(path, file.stat());
      if (found.kind !== "file") throw changed(path, `it became a ${found.kind}`);
      const common = this.#attributes(name, found);
      const key = `${found.dev}:${found.ino}`;
      const first = found.nlink > 1 ? this.#linked.get(key) : undefined;
      if (first !== undefined) {
        yield { ...common, type: "link", linkname: first };
        return;
      }
      if (found.nlink > 1) this.#linked.set(key, name);
      yield { ...common, type: "file", size: found.size, content: contentOf(file, path, found.size) };
    } finally {
      await file.close();
    }
  }

  #attributes(name: string, found: FileStat): { path: string; mode: number; uid: number; gid: number; mtime: number } {
    const { mtime, preserveOwner = false, owner = { uid: 0, gid: 0 } } = this.#options;
    const { uid, gid } = preserveOwner ? found : owner;
    return { path: name, mode: found.mode, uid, gid, mtime: mtime ?? Math.floor(found.mtimeMs / 1000) };
  }
}

/** The content of a file that is `size` bytes long; it fails when the file turns out longer or shorter. */
function contentOf(file: OpenFile, path: string, size: number): TarChunks {
  let position = 0;
  return {
    async read() {
      const left = size - position;
      if (left === 0) return undefined;
      // One byte more than there should be, so that a file that grew is seen without a further read.
      const chunk: Bytes = new Uint8Array(Math.min(CHUNK_SIZE, left + 1));
      const count = await reading(path, file.read(chunk, position));
      position += count;
      if (count === 0 || count > left) {
        throw changed(
          path,
          count > left ? `it grew beyond ${size} bytes` : `it shrank from ${size} to ${position} bytes`,
        );
      }
      return chunk.subarray(0, count);
    },
  };
}

function changed(path: string, how: string): FileError {
  return new FileError(`${path} changed while it was read: ${how}`, {
    hint: "try again when nothing writes to the directory",
  });
}

/** Waits for the file system; what it says becomes an error that names the path. */
async function reading<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const { message, code } = cause as { message: string; code?: string };
    if (code === "ENOENT" && path.includes("\ufffd")) {
      throw new FileError(`${path} can't be read: its name is not UTF-8`, { cause, errno: code });
    }
    throw new FileError(`${path} can't be read: ${message}`, { cause, errno: code });
  }
}
