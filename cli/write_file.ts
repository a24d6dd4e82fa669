import { fileFailure } from "../src/io/mod.ts";
import { type ByteStream, writeFileAtomic } from "../src/runtime/mod.ts";

/** Writes a file that the user named. It appears whole or not at all; a device or a pipe is written to as it is. */
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
