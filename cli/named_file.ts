import { fileFailure } from "../src/io/mod.ts";
import { type ByteStream, readTextFile, writeFileAtomic } from "../src/runtime/mod.ts";

/**
 * Reads a text file that the user named.
 *
 * @param what the name of the file in an error
 * @throws {FileError} if it can't be read.
 */
export async function readNamed(path: string, what: string = path): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    throw fileFailure(`can't read ${what}`, error);
  }
}

/** Writes a file of the user atomically; a device or a pipe is written to directly. */
export async function writeFile(
  path: string,
  data: ByteStream | string,
  options: { signal: AbortSignal },
): Promise<void> {
  try {
    await writeFileAtomic(path, data, options);
  } catch (error) {
    throw fileFailure(`can't write ${path}`, error);
  }
}
