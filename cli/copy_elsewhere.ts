import { UsageError } from "../src/errors.ts";
import { exists, joinPath, readDirectory, stat } from "../src/runtime/mod.ts";
import type { NamedSource, PathFormat } from "../src/source/mod.ts";
import type { Context } from "./command.ts";
import { giveToEngine, imageSource, pullSource } from "./local_source.ts";
import { platformsOptions, remoteOptions } from "./remote_options.ts";

/** The extensions of archives. */
const ARCHIVE = /\.(tar|tgz|tzst|tar\.\w+)$/;

/** Returns whether a reference looks like the name of a file in this directory. */
export function looksLikeFile(reference: string): boolean {
  return !/[/:@]/.test(reference) && ARCHIVE.test(reference);
}

/** Copies an image to a destination other than a registry: a layout, an archive, standard output, an engine. */
export async function copyElsewhere(
  source: string,
  destination: Exclude<NamedSource, { kind: "reference" }>,
  context: Context,
): Promise<void> {
  switch (destination.kind) {
    case "engine":
      return await giveToEngine(await imageSource(source, context), destination.name, context);
    case "stdio":
      return await copyToOutput(source, context);
    case "path": {
      const { splitLocalPath } = await import("../src/source/mod.ts");
      const { path, tag } = await splitLocalPath(destination.text);
      if (tag !== undefined) {
        throw new UsageError(`${path} exists, and a copy in it keeps the name of its source, so it can't get ${tag}`, {
          hint: `write ${path}`,
        });
      }
      return await copyToPath(source, path, {
        format: destination.format ?? (ARCHIVE.test(destination.text) ? "docker-archive" : "oci"),
        context,
      });
    }
  }
}

async function copyToOutput(source: string, context: Context): Promise<void> {
  const { stdout, signal, onProgress } = context;
  if (stdout.isTerminal) {
    throw new UsageError("standard output is a terminal, and an archive is not text", {
      hint: "name a file, or use a pipe",
    });
  }
  const { streamTarball } = await import("../src/crane/mod.ts");
  const stream = await streamTarball([await pullSource(source, context)], { ...remoteOptions(context), onProgress });
  await stdout.pipe(stream, { signal });
}

async function copyToPath(
  source: string,
  path: string,
  { format, context }: { format: PathFormat; context: Context },
): Promise<void> {
  const { onProgress } = context;
  if (format === "docker-archive") {
    const { saveTarball } = await import("../src/crane/mod.ts");
    return await saveTarball([await pullSource(source, context)], path, { ...remoteOptions(context), onProgress });
  }
  const options = { ...platformsOptions(context), onProgress };
  if (format === "oci") {
    await checkLayoutPath(path);
    const { saveLayout } = await import("../src/crane/mod.ts");
    return await saveLayout([await pullSource(source, context)], path, { ...options, annotateRef: true });
  }
  const { open } = await import("../src/source/mod.ts");
  const { writeOciArchiveFile } = await import("../src/tarball/mod.ts");
  const found = await pullSource(source, context);
  const view = await open(typeof found === "string" ? found : found.view, options);
  const name = typeof found === "string" ? found : found.reference;
  await writeOciArchiveFile(path, [{ view, name }], options);
}

/** Rejects an existing path that is not a layout. */
async function checkLayoutPath(path: string): Promise<void> {
  if (!await exists(path)) return;
  if ((await stat(path)).kind !== "directory") {
    throw new UsageError(`${path} is a file, not a layout`, {
      hint: `docker-archive:${path} writes an archive there, oci-archive:${path} a layout in one`,
    });
  }
  if (await exists(joinPath(path, "oci-layout")) || (await readDirectory(path)).length === 0) return;
  throw new UsageError(`${path} is a directory with other files, not a layout`, {
    hint: "name a new directory",
  });
}
