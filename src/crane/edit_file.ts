import { NotFoundError, UsageError } from "../errors.ts";
import { type Layer, layerFromBytes } from "../image/mod.ts";
import { readAll } from "../io/mod.ts";
import { appendLayers } from "../mutate/mod.ts";
import { sameBytes } from "../runtime/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { cleanEntryPath, type TarNewEntry, writeTar } from "../tar/mod.ts";
import { sourceName } from "../source/internal.ts";
import { type ImageSource, open } from "../source/mod.ts";
import { type ChangeOptions, destinationFor, pushTo } from "./change_reference.ts";
import type { EditBytes } from "./edit.ts";
import { findFile } from "./find_file.ts";
import { pusherOf } from "./options.ts";

/** Options of {@linkcode editFile}. */
export interface EditFileOptions extends Omit<ChangeOptions, "platforms"> {
  /**
   * Whether to create a missing file, writable by root and readable by all.
   *
   * @default false: a missing file is an error
   */
  create?: boolean;
  /**
   * The modification time of the file.
   *
   * @default now
   */
  date?: Date;
}

/**
 * Replaces the content of a file of an image, in a new layer on top, and pushes the result; the original stays. Mode,
 * owner and extended attributes of the file are kept. Layers are read from the top down until the file is found.
 *
 * @param edit receives the content, which is empty for a new file
 * @returns `repository@digest` of the result, or `undefined` if the content is unchanged, when nothing is pushed
 * @throws {NotFoundError} if there is no such file.
 * @throws {ValidationError} if it is a directory or a link.
 * @throws {UsageError} if it is an index and no platform is given.
 */
export async function editFile(
  source: ImageSource,
  { path, edit }: { path: string; edit: EditBytes },
  options: EditFileOptions = {},
): Promise<`${string}@${Hash}` | undefined> {
  const what = sourceName(source);
  const name = cleanEntryPath(path);
  if (name === "") throw new UsageError("no file is named", { hint: "name one: etc/motd, for example" });
  const destination = destinationFor(source, options);
  const { pusher, puller } = pusherOf(options);
  const image = await open(source, { ...options, puller });
  if (image.kind === "index") {
    throw new UsageError(`${what} is an index, which has no files`, {
      hint: "choose one of its images with --platform",
    });
  }
  const found = await findFile(image, name, { what, signal: options.signal });
  if (found === undefined && !options.create) {
    throw new NotFoundError(`${what} has no file /${name}`, { hint: "--create makes it" });
  }
  const before = found?.content ?? new Uint8Array(0);
  const after = await edit(before);
  if (found && sameBytes(before, after)) return undefined;
  const mtime = Math.floor((options.date ?? new Date()).getTime() / 1000);
  const entry = found?.replaced(after, mtime) ?? { path: name, content: after, mtime };
  const edited = appendLayers(image, [{
    layer: await layerOf(entry),
    history: { created_by: `gcrane edit fs ${name}` },
  }]);
  return await pushTo(destination, edited, { pusher, options });
}

async function layerOf(entry: TarNewEntry): Promise<Layer> {
  return await layerFromBytes(await readAll(writeTar([entry]), { limit: Infinity, what: "the edited file" }));
}
