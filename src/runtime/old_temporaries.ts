import { lstat, readDirectory, remove } from "./files.ts";
import { joinPath } from "./paths.ts";

/** The name of a file that `createNewFile` makes. */
const TEMPORARY = /^\.(.+)\.[0-9a-f]{8}-[0-9a-f]{4}\.tmp$/;
/** A transfer that makes no progress ends long before that. */
const OLD_MS = 60 * 60 * 1000;

/**
 * Removes the temporary files that programs left in a directory when they were killed: those that were not written to
 * for an hour, since other programs may be at work. What can't be removed stays.
 *
 * @param of the name that the files were to get; any by default
 */
export async function removeOldTemporaries(directory: string, of?: string): Promise<void> {
  try {
    for (const { name, kind } of await readDirectory(directory)) {
      const [, base] = TEMPORARY.exec(name) ?? [];
      if (kind !== "file" || base === undefined || (of !== undefined && base !== of.slice(0, 100))) continue;
      const path = joinPath(directory, name);
      if (Date.now() - (await lstat(path)).mtimeMs > OLD_MS) await remove(path);
    }
  } catch {
    // They take room, but are in nothing's way.
  }
}
