import { GcraneError, StoreError } from "../../../errors.ts";
import { errorCode } from "../../../io/mod.ts";
import { dirName, exists, makeDirectory, syncDirectory } from "../../../runtime/mod.ts";

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
 * @param making runs `make`, which makes the directory `made`, where there was nothing, and others in it
 */
export async function inDirectory<T>(
  path: string,
  sync: boolean,
  work: () => Promise<T>,
  making: (made: string, make: () => Promise<void>) => Promise<void> = (_, make) => make(),
): Promise<T> {
  const directory = dirName(path);
  let oldest = directory;
  let result: T;
  try {
    result = await work();
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    let made = directory;
    while (!await exists(oldest)) [made, oldest] = [oldest, dirName(oldest)];
    await making(made, () => makeDirectory(directory, { recursive: true }));
    result = await work();
  }
  for (let each = directory; sync; each = dirName(each)) {
    await syncDirectory(each);
    if (each === oldest) break;
  }
  return result;
}
