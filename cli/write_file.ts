import { fileFailure } from "../src/io/mod.ts";
import { type ByteStream, writeFileAtomic } from "../src/runtime/mod.ts";

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
