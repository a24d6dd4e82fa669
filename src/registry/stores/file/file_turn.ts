import type { ConflictError } from "../../../errors.ts";
import { missingIsUndefined } from "../../../io/mod.ts";
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
  setTimes,
} from "../../../runtime/mod.ts";
import { uploadConflict } from "../store.ts";
import { atFile, inDirectory } from "./file_access.ts";

const CHUNK_SIZE = 256 * 1024;

/** The age at which the marker of a file that is becoming a blob no longer counts, in milliseconds: its process was killed. */
const CLOSED_MS = 60_000;

/**
 * The right to add to the file of an upload, which one process has at a time. The process makes a marker beside the file,
 * named by the file's inode. Another process that finds a marker, and the expected size, takes over, as the first may hang
 * or have been killed: it renames the marker, which the first detects at the end, and replaces the file by a copy, to
 * which the first does not write.
 */
export class FileTurn {
  /** The file, open at its end. */
  readonly writer: FileWriter;
  readonly #path: string;
  #marker: string;

  private constructor(path: string, { writer, marker }: { writer: FileWriter; marker: string }) {
    this.#path = path;
    this.writer = writer;
    this.#marker = marker;
  }

  /** Takes the turn at a file of the given size, and makes it if that is 0. @throws {ConflictError} if there is no such file. */
  static async take(path: string, size: number): Promise<FileTurn> {
    return await atFile("write", path, async () => {
      if (size === 0) {
        if (await isClosed(path)) throw conflict(path);
        await inDirectory(path, false, async () => (await openWriter(path, { append: true })).close());
      }
      const stat = await lstat(path).catch(missingIsUndefined);
      if (stat?.size !== size) throw conflict(path);
      const marker = besides(path, stat.ino);
      try {
        await (await openWriter(marker, { exclusive: true })).close();
      } catch (error) {
        if ((error as { code?: unknown }).code !== "EEXIST") throw error;
        return await FileTurn.#takeOver(path, { size, marker });
      }
      const writer = await openWriter(path, { append: "existing" }).catch(missingIsUndefined);
      const isSame = (await lstat(path).catch(missingIsUndefined))?.ino === stat.ino;
      if (writer?.position === size && isSame && !await isClosed(path)) return new FileTurn(path, { writer, marker });
      await writer?.close();
      await removeFile(marker);
      throw conflict(path);
    });
  }

  static async #takeOver(path: string, { size, marker }: { size: number; marker: string }): Promise<FileTurn> {
    const copy = besides(path, crypto.randomUUID());
    const writer = await openWriter(copy, { exclusive: true });
    try {
      await copyStart(path, { size, writer });
      const own = besides(path, (await lstat(copy)).ino);
      if (!await renameFile(marker, own)) throw conflict(path); // the other process has just ended its turn
      if (await isClosed(path)) {
        await removeFile(own);
        throw conflict(path);
      }
      await rename(copy, path);
      return new FileTurn(path, { writer, marker: own });
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  /** Keeps all other processes from the file until the end, which must be near; returns `false` if one took over. */
  async close(): Promise<boolean> {
    return await atFile("write", this.#marker, async () => {
      const closed = besides(this.#path, CLOSED);
      await setTimes(this.#marker, Date.now()).catch(missingIsUndefined);
      if (!await renameFile(this.#marker, closed)) return false;
      this.#marker = closed;
      return true;
    });
  }

  /** Ends the turn; returns `false` if another process took over. */
  async end(): Promise<boolean> {
    return await atFile("remove", this.#marker, () => removeFile(this.#marker));
  }

  /** The error for a turn that another process took over. */
  get conflict(): ConflictError {
    return conflict(this.#path);
  }
}

/** Returns the upload that a marker or copy belongs to; `undefined` for another file. */
export function markedUpload(name: string): string | undefined {
  return /^\.(.+)\.[^.]+$/.exec(name)?.[1];
}

const CLOSED = "closed";

function besides(path: string, mark: number | string): string {
  return joinPath(dirName(path), `.${baseName(path)}.${mark}`);
}

async function isClosed(path: string): Promise<boolean> {
  const stat = await lstat(besides(path, CLOSED)).catch(missingIsUndefined);
  return stat !== undefined && Date.now() - stat.mtimeMs < CLOSED_MS;
}

/** Renames a file; returns whether it was there. */
async function renameFile(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    missingIsUndefined(error);
    return false;
  }
}

function conflict(path: string): ConflictError {
  return uploadConflict(baseName(path));
}

async function copyStart(path: string, { size, writer }: { size: number; writer: FileWriter }): Promise<void> {
  const file = await openFile(path, { noFollow: true });
  try {
    const buffer: Bytes = new Uint8Array(Math.min(CHUNK_SIZE, size));
    while (writer.position < size) {
      const count = await file.read(buffer.subarray(0, size - writer.position), writer.position);
      if (count === 0) throw conflict(path);
      await writer.write(buffer.subarray(0, count));
    }
  } finally {
    await file.close();
  }
}
