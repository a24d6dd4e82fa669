import { ValidationError } from "../errors.ts";
import type { Image } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { extract } from "../mutate/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { cleanEntryPath, readTar, rewriteEntry, type TarEntry, type TarNewEntry } from "../tar/mod.ts";

/** A file of an image. */
export interface FoundFile {
  /** Its content. */
  readonly content: Bytes;
  /** Returns a layer's entry for the same file with other content: mode, owner and extended attributes are kept. */
  readonly replaced: (content: Bytes, mtime: number) => TarNewEntry;
}

/** Options of {@linkcode findFile}. */
export interface FindFileOptions extends AbortOptions {
  /** The name of the image in an error. */
  what: string;
}

/** The longest chain of hard links that is followed. */
const MAX_LINKS = 8;

/**
 * Finds a file in an image's file system, or returns `undefined` if there is none of this name. Reads layers from the
 * top down until it is found.
 *
 * @param path a clean path, in the form of a tar entry's name
 * @throws {ValidationError} if it is not a file, or has a parent that is not a directory.
 */
export async function findFile(image: Image, path: string, options: FindFileOptions): Promise<FoundFile | undefined> {
  const { what } = options;
  let wanted = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const { entry, content, above } = await search(image, wanted, options);
    if (above) throw noDirectory(above, path, what);
    if (entry === undefined) return undefined;
    if (entry.type === "file") {
      const replaced = (content: Bytes, mtime: number) =>
        rewriteEntry(entry, { path, content, size: content.length, mtime });
      return { content, replaced };
    }
    if (entry.type !== "link") throw noFile(entry, path, what);
    wanted = cleanEntryPath(entry.linkname);
  }
  throw new ValidationError(`/${path} of ${what} is a hard link without a target`);
}

interface Search {
  readonly entry?: TarEntry;
  readonly content: Bytes;
  /** A parent of the file that is not a directory. */
  readonly above?: TarEntry;
}

async function search(image: Image, path: string, { signal }: AbortOptions): Promise<Search> {
  let above: TarEntry | undefined;
  for await (const entry of readTar(extract(image, { signal }), { signal })) {
    const here = cleanEntryPath(entry.path);
    if (here === path) return { entry, content: await entry.bytes() };
    if (entry.type !== "directory" && path.startsWith(`${here}/`)) above = entry;
  }
  return { content: new Uint8Array(0), above };
}

function noFile(entry: TarEntry, path: string, what: string): ValidationError {
  const hint = entry.type === "symlink" ? "edit the target of the link" : undefined;
  return new ValidationError(`/${path} of ${what} is not a file but a ${kindOf(entry)}`, { hint });
}

/** Creates the error for a file below a link, which would replace the link and hide its target. */
function noDirectory(above: TarEntry, path: string, what: string): ValidationError {
  const name = cleanEntryPath(above.path);
  return new ValidationError(`/${path} can't be in ${what}: /${name} is not a directory but a ${kindOf(above)}`, {
    hint: above.type === "symlink" ? "name the file by the target of the link" : undefined,
  });
}

function kindOf({ type, linkname }: TarEntry): string {
  switch (type) {
    case "symlink":
      return `symbolic link to ${linkname}`;
    case "characterDevice":
    case "blockDevice":
      return "device";
    case "unknown":
      return "thing of an unknown type";
    default:
      return type;
  }
}
