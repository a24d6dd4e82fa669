import type { ConflictError } from "../errors.ts";
import {
  baseName,
  type Bytes,
  dirName,
  type FileWriter,
  joinPath,
  lstat,
  openFile,
  openWriter,
  removeFile,
  rename,
} from "../runtime/mod.ts";
import { uploadConflict } from "./upload_conflict.ts";
import { atFile, inDirectory, missingIsUndefined } from "./file_access.ts";

const CHUNK_SIZE = 256 * 1024;

/**
 * The right to add to the file of an upload, of which one process has it at a time. A marker beside the file, named by its inode, says
 * that somebody does. Whoever comes to a marked file that has the size they expect takes over: the other may hang or
 * have been killed, and can't be asked. They put a copy into the file's place, which the other does not write to, and
 * before that rename the marker to that of the copy, so that the other notices at the end.
 */
export class FileTurn {
  /** The file, open at its end. */
  readonly writer: FileWriter;
  readonly #path: string;
  readonly #marker: string;

  private constructor(path: string, { writer, marker }: { writer: FileWriter; marker: string }) {
    this.#path = path;
    this.writer = writer;
    this.#marker = marker;
  }

  /** Takes the turn at a file of some size, which is made if it is not there. @throws {ConflictError} when it has another. */
  static async take(path: string, size: number): Promise<FileTurn> {
    return await atFile("write", path, async () => {
      if (size === 0) await inDirectory(path, false, async () => (await openWriter(path, { append: true })).close());
      const stat = await lstat(path).catch(missingIsUndefined);
      if (stat?.size !== size) throw uploadConflict(baseName(path));
      const marker = markerOf(path, stat.ino);
      try {
        await (await openWriter(marker, { exclusive: true })).close();
      } catch (error) {
        if ((error as { code?: unknown }).code !== "EEXIST") throw error;
        return await FileTurn.#takeOver(path, { size, marker });
      }
      const writer = await openWriter(path, { append: "existing" }).catch(missingIsUndefined);
      if (writer?.position === size && (await lstat(path).catch(missingIsUndefined))?.ino === stat.ino) {
        return new FileTurn(path, { writer, marker });
      }
      await writer?.close();
      await removeFile(marker);
      throw uploadConflict(baseName(path));
    });
  }

  /** Gives the turn back; whether nobody took it over. */
  async end(): Promise<boolean> {
    return await atFile("remove", this.#marker, () => removeFile(this.#marker));
  }

  /** What to throw when somebody took the turn over. */
  get conflict(): ConflictError {
    return uploadConflict(baseName(this.#path));
  }

  static async #takeOver(path: string, { size, marker }: { size: number; marker: string }): Promise<FileTurn> {
    const copy = markerOf(path, crypto.randomUUID());
    const writer = await openWriter(copy, { exclusive: true });
    try {
      await copyStart(path, { size, writer });
      const ownMarker = markerOf(path, (await lstat(copy)).ino);
      await rename(marker, ownMarker).catch((error) => {
        throw error.code === "ENOENT" ? uploadConflict(baseName(path)) : error; // the other has just ended
      });
      await rename(copy, path);
      return new FileTurn(path, { writer, marker: ownMarker });
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }
}

/** The upload that a file beside the uploads is of, as a marker or a copy; `undefined` for another file. */
export function markedUpload(name: string): string | undefined {
  return /^\.(.+)\.[^.]+$/.exec(name)?.[1];
}

function markerOf(path: string, mark: number | string): string {
  return joinPath(dirName(path), `.${baseName(path)}.${mark}`);
}

async function copyStart(path: string, { size, writer }: { size: number; writer: FileWriter }): Promise<void> {
  const file = await openFile(path, { noFollow: true });
  try {
    const buffer: Bytes = new Uint8Array(Math.min(CHUNK_SIZE, size));
    while (writer.position < size) {
      const count = await file.read(buffer.subarray(0, size - writer.position), writer.position);
      if (count === 0) throw uploadConflict(baseName(path));
      await writer.write(buffer.subarray(0, count));
    }
  } finally {
    await file.close();
  }
}
