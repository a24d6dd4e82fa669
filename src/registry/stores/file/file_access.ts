import { GcraneError, StoreError } from "../../../errors.ts";
import { errorCode, missingIsUndefined } from "../../../io/mod.ts";
import {
  type DirectoryEntry,
  dirName,
  exists,
  joinPath,
  makeDirectory,
  readDirectory,
  syncDirectory,
} from "../../../runtime/mod.ts";

/**
 * Runs work on a file, and turns an error of the operating system into a `StoreError` that names the path.
 *
 * @param verb the work in an error: read, write, …
 */
export async function atFile<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const errno = errorCode(error);
    if (errno === undefined || error instanceof GcraneError) throw error;
    const hint = errno === "ENOSPC" ? "make room on the disk that the registry writes to" : undefined;
    throw new StoreError(`can't ${verb} ${path}: ${errno}`, { cause: error, hint });
  }
}

/**
 * Runs work that makes a file at a path, and runs it again if its directory had to be made first.
 *
 * @param sync whether to wait until the file's name is on the disk too, without which its bytes can't be found
 */
export async function inDirectory<T>(path: string, sync: boolean, work: () => Promise<T>): Promise<T> {
  const directory = dirName(path);
  let oldest = directory;
  let result: T;
  try {
    result = await work();
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    while (!await exists(oldest)) oldest = dirName(oldest);
    await makeDirectory(directory, { recursive: true });
    result = await work();
  }
  for (let each = directory; sync; each = dirName(each)) {
    await syncDirectory(each);
    if (each === oldest) break;
  }
  return result;
}

/** Returns whether a directory holds a file at any depth, except files being written, whose names start with a dot. */
export async function holdsFile(directory: string): Promise<boolean> {
  const entries: DirectoryEntry[] = await readDirectory(directory).catch(missingIsUndefined) ?? [];
  const visible = entries.filter((entry) => !entry.name.startsWith("."));
  if (visible.some((entry) => entry.kind === "file")) return true;
  for (const entry of visible) {
    if (entry.kind === "directory" && await holdsFile(joinPath(directory, entry.name))) return true;
  }
  return false;
}
