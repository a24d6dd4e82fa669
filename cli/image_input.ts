import { FileError } from "../src/errors.ts";
import type { Image } from "../src/image/mod.ts";
import { fileFailure } from "../src/io/mod.ts";
import { joinPath, temporaryDirectory, temporaryRoot, writeFileAtomic } from "../src/runtime/mod.ts";
import type { ImageFromTarballOptions } from "../src/tarball/mod.ts";
import type { Context } from "./command.ts";

/**
 * The image in a tarball on standard input. The tarball is kept in a temporary file, since images are not read in its
 * order; the file is gone when the program ends.
 */
export async function imageFromInput(
  { stdin }: Pick<Context, "stdin">,
  options: ImageFromTarballOptions & { signal: AbortSignal },
): Promise<Image> {
  const { imageFromTarball, tarballFile } = await import("../src/tarball/mod.ts");
  const source = { ...tarballFile(await keep(stdin, options)), name: "standard input" };
  return await imageFromTarball(source, options);
}

async function keep(stdin: Context["stdin"], { signal }: { signal: AbortSignal }): Promise<string> {
  try {
    const path = joinPath(await temporaryDirectory(), "tarball");
    await writeFileAtomic(path, stdin(), { mode: 0o600, signal });
    return path;
  } catch (error) {
    const failure = fileFailure(`can't keep standard input in ${temporaryRoot()}`, error);
    if (!(failure instanceof FileError)) throw failure;
    const { message, errno } = failure;
    throw new FileError(message, { cause: error, errno, hint: "set TMPDIR to a directory with enough space" });
  }
}
