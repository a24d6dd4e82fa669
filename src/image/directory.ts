import { FileError, UnsupportedError, UsageError } from "../errors.ts";
import { type AbortOptions, errorCode, fileFailure } from "../io/mod.ts";
import {
  type Bytes,
  type ByteStream,
  type FileKind,
  type FileStat,
  isTemporaryInUse,
  joinPath,
  lstat,
  type OpenFile,
  openFile,
  readDirectory,
  readLink,
  stat,
} from "../runtime/mod.ts";
import type { TarNewEntry } from "../tar/mod.ts";
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
   * The owner of every entry.
   * @default 0:0, as image builders have it
   */
  owner?: { readonly uid: number; readonly gid: number };
  /**
   * Whether each entry keeps the owner of its file; then `owner` is ignored.
   * @default false
   */
  preserveOwner?: boolean;
  /**
   * Called for each file that can't be in an archive: a socket.
   * @default none
   */
  onSkip?: (path: string, reason: string) => void;
}

/** Options of {@linkcode layerFromDirectory}. */
export interface DirectoryLayerOptions extends TarDirectoryOptions, LayerOptions, AbortOptions {}

/** The most bytes read at a time; a file with fewer is small. */
const CHUNK_SIZE = 256 * 1024;
/** How many files are opened, and read if they are small, ahead of their turn: one at a time is slow. */
const AHEAD = 16;

/**
 * A tar of what a directory holds, made anew whenever it is opened: files, directories, symbolic and hard links, fifos
 * and devices, sorted by the bytes of their names. Links are never followed. Nothing is kept in memory but the names of
 * the directories on the way and of files that have several.
 *
 * What this program is writing there under a temporary name is left out.
 *
 * The stream fails with a {@linkcode FileError} that names the file, when one can't be read or changes its size while
 * it is.
 *
 * @throws {UsageError} for a prefix that leads out of the image.
 */
export function tarDirectory(
  path: string,
  options: TarDirectoryOptions = {},
): (options?: AbortOptions) => Promise<ByteStream> {
  const prefix = cleanPrefix(options.prefix ?? "");
  return async ({ signal } = {}) => {
    const { writeTar } = await import("../tar/mod.ts"); // loaded when a layer is read
    return writeTar(new Walk(options).entries(path, prefix), { signal });
  };
}

/**
 * A layer of what a directory holds, see {@linkcode tarDirectory}. The files are read whenever the layer is.
 *
 * @throws {FileError} when there is no such directory.
 */
export async function layerFromDirectory(path: string, options: DirectoryLayerOptions = {}): Promise<Layer> {
  options.signal?.throwIfAborted();
  const { kind } = await reading(path, stat(path));
  if (kind !== "directory") throw new FileError(`${path} is not a directory`, { errno: "ENOTDIR" });
  return layerFromUncompressed({ ...options, uncompressed: tarDirectory(path, options) });
}

function cleanPrefix(prefix: string): string {
  const parts = prefix.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new UsageError(`the prefix ${JSON.stringify(prefix)} leaves the image`);
  return parts.map((part) => `${part}/`).join("");
}

/** A name that was come across: where it is in the file system and in the archive. */
interface DirectoryItem {
  readonly path: string;
  readonly name: string;
  readonly kind: FileKind;
}

/** A file at a name: a link with its target, a small file with its content, a large one open. */
interface Looked extends DirectoryItem {
  readonly stat: FileStat;
  readonly linkname?: string;
  readonly content?: Bytes;
  readonly file?: OpenFile;
}

/** One walk over a directory. */
class Walk {
  readonly #options: TarDirectoryOptions;
  /** The entry of each file with several names, by device and number. */
  readonly #linked = new Map<string, string>();

  constructor(options: TarDirectoryOptions) {
    this.#options = options;
  }

  /** The entries. Some files ahead of the one that is being written are looked at already, and read if they are small. */
  async *entries(path: string, prefix: string): AsyncGenerator<TarNewEntry, void, undefined> {
    const ahead: Promise<Looked>[] = [];
    try {
      for await (const found of namesBelow(path, prefix)) {
        const looked = look(found);
        looked.catch(() => {}); // it fails when its turn comes
        ahead.push(looked);
        if (ahead.length > AHEAD) yield* this.#entry(await ahead.shift()!);
      }
      while (ahead.length > 0) yield* this.#entry(await ahead.shift()!);
    } finally {
      for (const looked of ahead) await looked.then(({ file }) => file?.close(), () => {});
    }
  }

  /** The entry of one name; a socket has none. */
  async *#entry(looked: Looked): AsyncGenerator<TarNewEntry, void, undefined> {
    const { path, name, kind, stat, file } = looked;
    const common = this.#attributes(name, stat);
    try {
      if (kind === "file") yield this.#fileEntry(looked, common);
      else if (kind === "directory") yield { ...common, path: `${name}/`, type: kind };
      else if (kind === "symlink") yield { ...common, type: kind, mode: 0o777, linkname: looked.linkname };
      else if (kind === "socket") this.#options.onSkip?.(path, "a socket can't be in an archive");
      else yield { ...common, type: kind, devMajor: stat.deviceMajor, devMinor: stat.deviceMinor };
    } finally {
      await file?.close();
    }
  }

  #fileEntry({ path, name, stat, content, file }: Looked, common: Attributes): TarNewEntry {
    if (stat.nlink > 1) {
      const key = `${stat.dev}:${stat.ino}`;
      const first = this.#linked.get(key);
      if (first !== undefined) return { ...common, type: "link", linkname: first };
      this.#linked.set(key, name);
    }
    return { ...common, type: "file", size: stat.size, content: content ?? contentOf(file!, path, stat.size) };
  }

  #attributes(name: string, stat: FileStat): Attributes {
    const { mtime, preserveOwner = false, owner = { uid: 0, gid: 0 } } = this.#options;
    const { uid, gid } = preserveOwner ? stat : owner;
    return { path: name, mode: stat.mode, uid, gid, mtime: mtime ?? Math.floor(stat.mtimeMs / 1000) };
  }
}

/** What entries of all types have. */
interface Attributes {
  path: string;
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
}

/** All names below a directory, each directory before what is in it. */
async function* namesBelow(path: string, prefix: string): AsyncGenerator<DirectoryItem, void, undefined> {
  const open = async (path: string, prefix: string) => ({
    path,
    prefix,
    left: (await reading(path, readDirectory(path))).values(),
  });
  const levels = [await open(path, prefix)];
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const next = level.left.next();
    if (next.done) {
      levels.pop();
      continue;
    }
    const { name, kind } = next.value;
    // The archive may be written into the directory that it is made of.
    if (isTemporaryInUse(name)) continue;
    const found = { path: joinPath(level.path, name), name: level.prefix + name, kind };
    yield found;
    if (kind === "directory") levels.push(await open(found.path, `${found.name}/`));
  }
}

/** Looks at what is at a name, without following it. */
async function look(found: DirectoryItem): Promise<Looked> {
  const { path, kind } = found;
  if (kind === "file") return await lookIntoFile(found);
  const stat = await reading(path, lstat(path));
  if (stat.kind !== kind) throw changed(path, `it was a ${kind} and is a ${stat.kind}`);
  return { ...found, stat, ...(kind === "symlink" ? { linkname: await reading(path, readLink(path)) } : {}) };
}

async function lookIntoFile(found: DirectoryItem): Promise<Looked> {
  const { path } = found;
  const file = await reading(path, openFile(path, { noFollow: true }));
  let keepOpen = false;
  try {
    const stat = await reading(path, file.stat());
    if (stat.kind !== "file") throw changed(path, `it was a file and is a ${stat.kind}`);
    keepOpen = stat.size >= CHUNK_SIZE;
    if (keepOpen) return { ...found, stat, file };
    const content = await contentOf(file, path, stat.size).read() ?? new Uint8Array(0);
    if (content.length < stat.size) throw shrunk(path, stat.size, content.length);
    return { ...found, stat, content };
  } finally {
    if (!keepOpen) await file.close();
  }
}

/** The content of a file that is `size` bytes long; it fails when the file turns out longer or shorter. */
function contentOf(file: OpenFile, path: string, size: number): { read(): Promise<Bytes | undefined> } {
  let position = 0;
  return {
    async read() {
      const left = size - position;
      if (left === 0) return undefined;
      // One byte more than there should be, so that a file that grew is seen without a further read.
      const chunk: Bytes = new Uint8Array(Math.min(CHUNK_SIZE, left + 1));
      const count = await reading(path, file.read(chunk, position));
      position += count;
      if (count === 0) throw shrunk(path, size, position);
      if (count > left) throw changed(path, `it grew beyond ${size} bytes`);
      return chunk.subarray(0, count);
    },
  };
}

function shrunk(path: string, from: number, to: number): FileError {
  return changed(path, `it shrank from ${from} to ${to} bytes`);
}

function changed(path: string, how: string): FileError {
  return new FileError(`${path} changed while it was read: ${how}`, {
    hint: "try again when nothing writes to the directory",
  });
}

/** Waits for the file system; its failure becomes an error that names the path. */
async function reading<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if ((cause as Error).name === "NotSupportedError") {
      throw new UnsupportedError(`can't read ${path}: ${(cause as Error).message}`, { cause });
    }
    if (errorCode(cause) === "ENOENT" && path.includes("\ufffd")) {
      throw new FileError(`can't read ${path}: its name is not UTF-8`, { cause, errno: "ENOENT" });
    }
    throw fileFailure(`can't read ${path}`, cause);
  }
}
