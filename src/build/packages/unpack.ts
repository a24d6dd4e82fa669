import { GcraneError, LimitError, PackageError } from "../../errors.ts";
import { decompressLimited, streamOf } from "../../io/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import { cleanEntryPath, readTar, type TarEntry } from "../../tar/mod.ts";

/** A file of a package. */
export interface UnpackedFile {
  /** Relative to the package's folder, with `/`. */
  path: string;
  /** Whether the tarball has it as executable. */
  executable: boolean;
  bytes: Bytes;
}

/** The limits of a package: more than any real one has. */
const MOST_BYTES = 2 * 1024 * 1024 * 1024;
const MOST_FILES = 200_000;

/**
 * Unpacks the tarball of a package, whose files are all in one folder that has no fixed name. Returns the files, sorted
 * by path. Links are left out, as npm leaves them out.
 *
 * @param what the package's name and version, for errors
 * @throws {PackageError} if the tarball is corrupt or ends early, is too large, or has a path or a link out of its
 * folder, something that is neither file, folder nor link, or a file in the place of a folder.
 */
export async function unpackPackage(tarball: Bytes, what: string): Promise<UnpackedFile[]> {
  const isGzip = tarball[0] === 0x1f && tarball[1] === 0x8b;
  const source = streamOf(tarball);
  const tar = decompressLimited(source, isGzip ? "gzip" : "none", { what: "the tarball", size: tarball.length });
  const files = new Map<string, UnpackedFile>();
  let total = 0;
  try {
    for await (const entry of readTar(tar)) {
      const path = pathOf(entry);
      if (entry.type !== "file" || path === "") continue;
      total += entry.size;
      if (total > MOST_BYTES) throw new LimitError(`it has more than ${MOST_BYTES} bytes of files`);
      if (files.size >= MOST_FILES) throw new LimitError(`it has more than ${MOST_FILES} files`);
      const bytes = await entry.bytes({ limit: MOST_BYTES });
      files.set(path, { path, executable: (entry.mode & 0o111) !== 0, bytes });
    }
  } catch (cause) {
    if (!(cause instanceof GcraneError)) throw cause;
    throw new PackageError(`${what} can't be unpacked: ${cause.message}`, { cause, hint: cause.hint });
  }
  if (files.size === 0) throw new PackageError(`${what} can't be unpacked: its tarball has no files`);
  checkFolders(files, what);
  return [...files.values()].sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Returns the path of an entry in the package's folder, `""` for the folder itself. */
function pathOf(entry: TarEntry): string {
  const wrong = (why: string) => new PackageError(`its entry ${JSON.stringify(entry.path)} ${why}`);
  if (entry.path.startsWith("/")) throw wrong("is a path from the root");
  const path = cleanEntryPath(entry.path).split("/").slice(1).join("/");
  if (entry.path.includes("\\")) throw wrong("has a backslash in its name");
  if (entry.type === "symlink" || entry.type === "link") {
    const folders = entry.path.split("/").filter((part) => part !== "" && part !== ".").slice(0, -1);
    // A hard link has a name of the archive, and a symbolic one is relative to its folder.
    const target = entry.type === "link" ? entry.linkname : [...folders, entry.linkname].join("/");
    if (entry.linkname.startsWith("/") || leaves(target)) throw wrong("is a link out of its folder");
  } else if (entry.type !== "file" && entry.type !== "directory") {
    throw wrong(`is a ${entry.type}, which no package has`);
  }
  return path;
}

/** Returns whether a path leads out of the first folder of it. */
function leaves(path: string): boolean {
  let depth = 0;
  for (const part of path.split("/")) {
    if (part === "..") depth--;
    else if (part !== "" && part !== ".") depth++;
    if (depth < 1) return true;
  }
  return false;
}

function checkFolders(files: ReadonlyMap<string, UnpackedFile>, what: string): void {
  for (const path of files.keys()) {
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
      if (!files.has(path.slice(0, at))) continue;
      throw new PackageError(`${what} can't be unpacked: it has the file ${path.slice(0, at)}, and files below that`);
    }
  }
}
