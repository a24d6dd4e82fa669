import { FileError } from "../src/errors.ts";
import { fileFailure } from "../src/io/mod.ts";
import { joinPath, temporaryDirectory, temporaryRoot, writeFileAtomic } from "../src/runtime/mod.ts";
import type { TarballSource } from "../src/tarball/mod.ts";
import type { Context } from "./command.ts";

/**
 * Returns the tarball on standard input. It is kept in a temporary file, since images are not read in its order; the
 * file is gone when the program ends.
 */
export async function inputTarball({ stdin, signal }: Pick<Context, "stdin" | "signal">): Promise<TarballSource> {
  const { tarballFile } = await import("../src/tarball/mod.ts");
  return { ...tarballFile(await keep(stdin, { signal })), name: "standard input" };
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
