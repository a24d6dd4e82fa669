import type { Dirent, Stats } from "node:fs";
import { type Bytes, toPlainBytes } from "./bytes.ts";
import { temporaryRoot } from "./environment.ts";
import { denoHost, notSupported, requireNodeModule, runtimeName } from "./host.ts";
import { joinPath } from "./paths.ts";
import { forgetTemporary, registerTemporary } from "./temporaries.ts";

/** What a path leads to. */
export type FileKind = "file" | "directory" | "symlink" | "characterDevice" | "blockDevice" | "fifo" | "socket";

/** What the file system knows about a file. */
export interface FileStat {
  /** What it is; `symlink` only from `lstat`. */
  readonly kind: FileKind;
  /** Length in bytes. */
  readonly size: number;
  /** Permissions with set-user-id, set-group-id and sticky: the low 12 bits. */
  readonly mode: number;
  /** Time of the last change of the content, in milliseconds since 1970. */
  readonly mtimeMs: number;
  /** The owner's number. */
  readonly uid: number;
  /** The group's number. */
  readonly gid: number;
  /** The device that holds the file. */
  readonly dev: number;
  /** The file's number on that device: with `dev`, it tells whether two names are one file. */
  readonly ino: number;
  /** How many names the file has. */
  readonly nlink: number;
  /** The major number of the device that this file is, else 0. */
  readonly deviceMajor: number;
  /** The minor number of the device that this file is, else 0. */
  readonly deviceMinor: number;
}

/** One name in a directory. */
export interface DirectoryEntry {
  /** The name alone, without the directory. */
  readonly name: string;
  /** What it is; links are not followed. */
  readonly kind: FileKind;
}

/** How to make a directory. */
export interface MakeDirectoryOptions {
  /**
   * Make the parents too, and take a directory that is there already.
   * @default false
   */
  recursive?: boolean;
  /**
   * Permissions, less the umask.
   * @default 0o777
   */
  mode?: number;
}

/** How to remove a path. */
export interface RemoveOptions {
  /**
   * Remove what a directory holds too.
   * @default false
   */
  recursive?: boolean;
}

/** The promises of node:fs, or a `NotSupportedError`. */
function fileSystem(): typeof import("node:fs/promises") {
  return requireNodeModule("node:fs", "The file system").promises;
}

/** Asks about a path, following symbolic links. */
export async function stat(path: string): Promise<FileStat> {
  return toFileStat(await fileSystem().stat(path));
}

/** Asks about a path itself, even where it is a symbolic link. */
export async function lstat(path: string): Promise<FileStat> {
  return toFileStat(await fileSystem().lstat(path));
}

/** Whether something is at the path, a symbolic link to nowhere included. */
export async function exists(path: string): Promise<boolean> {
  try {
    const deno = denoHost();
    await (deno === undefined ? fileSystem().lstat(path) : deno.lstat(path));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Reads a whole file. */
export async function readFile(path: string): Promise<Bytes> {
  const deno = denoHost();
  if (deno !== undefined) return await deno.readFile(path);
  return toPlainBytes(await fileSystem().readFile(path) as Bytes);
}

/** Reads a whole file as UTF-8. */
export function readTextFile(path: string): Promise<string> {
  const deno = denoHost();
  return deno === undefined ? fileSystem().readFile(path, "utf8") : deno.readTextFile(path);
}

/** Lists a directory, sorted by the bytes of the names in UTF-8. */
export async function readDirectory(path: string): Promise<DirectoryEntry[]> {
  const found = await fileSystem().readdir(path, { withFileTypes: true });
  const entries = found.map((entry) =>
    entry.isFile() ? { name: entry.name, kind: "file" as const } : special(path, entry)
  );
  return (await Promise.all(entries)).sort((a, b) => compareUtf8(a.name, b.name));
}

/** An entry that is no plain file: Deno's listing knows directories and links only. */
async function special(path: string, entry: Dirent): Promise<DirectoryEntry> {
  const { name } = entry;
  if (entry.isDirectory()) return { name, kind: "directory" };
  if (entry.isSymbolicLink()) return { name, kind: "symlink" };
  return { name, kind: (await lstat(joinPath(path, name))).kind };
}

/** Makes a directory. */
export async function makeDirectory(path: string, options: MakeDirectoryOptions = {}): Promise<void> {
  const { recursive = false, mode } = options;
  await fileSystem().mkdir(path, { recursive, ...(mode !== undefined && { mode }) });
}

/** Removes a file, a link or an empty directory, or with `recursive` a whole tree; nothing there is fine. */
export async function remove(path: string, options: RemoveOptions = {}): Promise<void> {
  const fs = fileSystem();
  try {
    if (options.recursive) await fs.rm(path, { recursive: true, force: true });
    else if ((await fs.lstat(path)).isDirectory()) await fs.rmdir(path);
    else await fs.unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  forgetTemporary(path);
}

/** Removes a file. Gives whether this call did: of several at once, one does. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await fileSystem().unlink(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Renames a file or a directory; a file at the new path is replaced. */
export async function rename(from: string, to: string): Promise<void> {
  await fileSystem().rename(from, to);
}

/** Waits until the names in a directory are on the disk: that of a new file, of a renamed one, of a removed one. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await fileSystem().open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Gives the file at `existing` a second name. */
export async function hardLink(existing: string, path: string): Promise<void> {
  await fileSystem().link(existing, path);
}

/** Makes a symbolic link at `path` that says `target`. */
export async function symlink(target: string, path: string): Promise<void> {
  await fileSystem().symlink(target, path);
}

/** What a symbolic link says. */
export function readLink(path: string): Promise<string> {
  return fileSystem().readlink(path);
}

/** The absolute path without links and dots. */
export function realPath(path: string): Promise<string> {
  return fileSystem().realpath(path);
}

/** Sets the permissions, exactly; it follows symbolic links. */
export async function chmod(path: string, mode: number): Promise<void> {
  await fileSystem().chmod(path, mode);
}

/** Sets the times of change and access, in milliseconds since 1970; of a symbolic link, those of the link itself. */
export async function setTimes(path: string, mtimeMs: number): Promise<void> {
  await fileSystem().lutimes(path, mtimeMs / 1000, mtimeMs / 1000);
}

/**
 * Makes an empty directory of its own for temporary files and gives its path. It is gone after `remove` with
 * `recursive`, or after `removeTemporaries` when the program is interrupted. A Worker's files lie in its memory, of which
 * there is little: there it is a `NotSupportedError`.
 */
export async function temporaryDirectory(prefix: string = "gcrane-"): Promise<string> {
  if (runtimeName() === "workerd") throw notSupported("Space for temporary files");
  const path = await fileSystem().mkdtemp(joinPath(temporaryRoot(), prefix));
  registerTemporary(path);
  return path;
}

/** Whether an error says that nothing is at the path, or that a parent is not a directory. */
export function isMissing(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Translates what node:fs says about a file. */
export function toFileStat(stats: Stats): FileStat {
  const { major, minor } = deviceNumbers(stats.rdev);
  return {
    kind: kindOf(stats),
    size: stats.size,
    mode: stats.mode & 0o7777,
    mtimeMs: stats.mtimeMs,
    uid: stats.uid,
    gid: stats.gid,
    dev: stats.dev,
    ino: stats.ino,
    nlink: stats.nlink,
    deviceMajor: major,
    deviceMinor: minor,
  };
}

function kindOf(stats: Stats): FileKind {
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "characterDevice";
  if (stats.isBlockDevice()) return "blockDevice";
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  return "file";
}

/** Takes a Linux device number apart: the low 8 and high 12 bits of the minor lie around 12 bits of the major. */
function deviceNumbers(device: number): { major: number; minor: number } {
  return { major: device >>> 8 & 0xfff, minor: device & 0xff | device >>> 12 & 0xfff00 };
}

/** Compares as the bytes of UTF-8 would: UTF-16 differs where a surrogate meets a character above it. */
function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const isSurrogate = x >= 0xd800 && x <= 0xdfff;
    const isOtherSurrogate = y >= 0xd800 && y <= 0xdfff;
    if (isSurrogate === isOtherSurrogate) return x - y;
    return isSurrogate ? 1 : -1;
  }
  return a.length - b.length;
}
