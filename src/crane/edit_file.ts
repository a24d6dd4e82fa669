import { NotFoundError, UsageError } from "../errors.ts";
import { type Layer, layerFromBytes } from "../image/mod.ts";
import { readAll } from "../io/mod.ts";
import { appendLayers } from "../mutate/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { cleanEntryPath, type TarNewEntry, writeTar } from "../tar/mod.ts";
import { type ImageSource, open, sourceName } from "../source/mod.ts";
import { type ChangeOptions, destinationFor, pushTo } from "./change_reference.ts";
import type { EditBytes } from "./edit.ts";
import { findFile } from "./find_file.ts";
import { pusherOf } from "./options.ts";

/** Options of {@linkcode editFile}. */
export interface EditFileOptions extends Omit<ChangeOptions, "platforms"> {
  /**
   * Whether a file that is not there is made, for root to write and all to read.
   * @default false: it is an error
   */
  create?: boolean;
  /**
   * When the file changed.
   * @default now
   */
  date?: Date;
}

/**
 * Replaces a file of an image by another content, in a layer on top of the others, and pushes the result; the original
 * stays. Mode, owner and extended attributes of the file stay. Layers are read from the top down until it is found.
 *
 * @param edit is given the content, nothing for a file that is made
 * @returns `repository@digest` of the result; `undefined` when the content stayed the same, and nothing is pushed
 * @throws {NotFoundError} when there is no such file.
 * @throws {ValidationError} when it is a directory or a link.
 * @throws {UsageError} when it is an index and no platform is asked for.
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

function sameBytes(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
