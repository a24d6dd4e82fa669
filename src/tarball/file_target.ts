import { TarballError } from "../errors.ts";
import { storeBlob } from "../graph/internal.ts";
import type { BlobNode, PutOptions } from "../graph/mod.ts";
import { missingIsUndefined } from "../io/mod.ts";
import {
  baseName,
  createNewFile,
  dirName,
  exists,
  type NewFile,
  realPath,
  removeOldTemporaries,
  stat,
} from "../runtime/mod.ts";
import { encodeTarHeader } from "../tar/mod.ts";
import type { ArchiveTarget, PlannedFile } from "./archive_sink.ts";

const BLOCK = 512;

/**
 * An archive in a file that appears whole or not at all; one that is there is replaced. The place of each file in it is
 * known beforehand, so files are written side by side.
 */
export class FileTarget implements ArchiveTarget {
  readonly #path: string;
  readonly #file: NewFile;
  readonly #offsets = new Map<string, number>();

  private constructor(path: string, file: NewFile) {
    this.#path = path;
    this.#file = file;
  }

  /** Begins a file at a path. A symbolic link there stays; what it leads to is replaced, and its permissions stay. */
  static async create(path: string): Promise<FileTarget> {
    const isThere = await exists(path);
    const target = isThere ? await realPath(path) : path;
    const mode = isThere ? (await stat(target)).mode & 0o777 : undefined;
    await removeOldTemporaries(dirName(target), baseName(target));
    return new FileTarget(target, await createNewFile(target, { mode }));
  }

  async begin(files: readonly PlannedFile[]): Promise<void> {
    let end = 0;
    for (const { path, size, content } of files) {
      const header = encodeTarHeader({ path, size });
      await this.#file.write(header, end);
      const offset = end + header.length;
      this.#offsets.set(path, offset);
      if (typeof content !== "string") await this.#file.write(content, offset);
      // The padding is a hole in the archive, which reads as zeros.
      end = offset + Math.ceil(size / BLOCK) * BLOCK;
    }
    await this.#file.write(new Uint8Array(2 * BLOCK), end);
  }

  async write({ path }: PlannedFile, blob: BlobNode, options: PutOptions): Promise<void> {
    await storeBlob(blob, this.#file, this.#offsets.get(path)!, options);
  }

  /** Gives the file its name. */
  async commit(): Promise<void> {
    await this.#file.commit(this.#path);
  }

  /** Removes a file that was not committed. */
  async discard(): Promise<void> {
    await this.#file.discard();
  }
}

/** Whether something is at the path that can only be written to from the beginning: a pipe, a terminal. */
export async function isSpecial(path: string): Promise<boolean> {
  const found = await stat(path).catch(missingIsUndefined);
  if (found?.kind === "directory") throw new TarballError(`${path} is a directory, where a tarball was to be written`);
  return found !== undefined && found.kind !== "file";
}
