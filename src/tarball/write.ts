import { TarballError } from "../errors.ts";
import { type AbortOptions, chunks, errorCode, fileFailure, mapConcurrent } from "../io/mod.ts";
import {
  type ByteStream,
  createNewFile,
  exists,
  type NewFile,
  realPath,
  stat,
  writeFileAtomic,
} from "../runtime/mod.ts";
import { encodeTarHeader, type TarWriteEntry, writeTar } from "../tar/mod.ts";
import { planTarball, type TarballEntry, type WriteTarballOptions } from "./plan.ts";
import type { PlannedFile } from "./planned_file.ts";
import { ReadAhead } from "./read_ahead.ts";

/** Options of {@linkcode writeTarballFile}. */
export interface WriteTarballFileOptions extends WriteTarballOptions {
  /**
   * How many layers are written at the same time.
   * @default 4
   */
  concurrency?: number;
}

const DEFAULT_CONCURRENCY = 4;
const BLOCK = 512;

/**
 * A tarball of images, as `docker load`, `podman load` and `skopeo` read it. The same images give the same bytes.
 *
 * Nothing is read before the stream is. It fails when a layer is not what its digest says.
 */
export function writeTarball(entries: Iterable<TarballEntry>, options: WriteTarballOptions = {}): ByteStream {
  const given = options.signal;
  const stop = new AbortController();
  const signal = given ? AbortSignal.any([given, stop.signal]) : stop.signal;
  const files = tarEntries(entries, { ...options, signal });
  const stoppable: AsyncIterableIterator<TarWriteEntry> = {
    next: () => files.next(),
    return() {
      // A generator can't return while it waits, for a layer to be compressed perhaps, so the wait must end first.
      stop.abort(new DOMException("the tarball was cancelled", "AbortError"));
      return files.return();
    },
    [Symbol.asyncIterator]: () => stoppable,
  };
  return writeTar(stoppable, { signal: given });
}

/**
 * Writes a tarball of images to a file. The file appears whole or not at all; one that is there is replaced.
 *
 * The place of each layer in the file is known beforehand, so layers are written side by side.
 */
export async function writeTarballFile(
  path: string,
  entries: Iterable<TarballEntry>,
  options: WriteTarballFileOptions = {},
): Promise<void> {
  try {
    if (await isSpecial(path)) await writeFileAtomic(path, writeTarball(entries, options), options);
    else await writeRegularFile(path, entries, options);
  } catch (error) {
    throw fileFailure(`can't write the tarball ${path}`, error);
  }
}

async function* tarEntries(
  entries: Iterable<TarballEntry>,
  options: WriteTarballOptions,
): AsyncGenerator<TarWriteEntry, void> {
  const { files, dispose } = await planTarball(entries, options);
  const ahead = new ReadAhead(files);
  try {
    for (const file of files) {
      yield { path: file.path, size: file.size, content: () => ahead.open(file, options) };
    }
  } finally {
    ahead.stop();
    await dispose();
  }
}

async function writeRegularFile(
  path: string,
  entries: Iterable<TarballEntry>,
  options: WriteTarballFileOptions,
): Promise<void> {
  const { concurrency = DEFAULT_CONCURRENCY, signal } = options;
  const { files, dispose } = await planTarball(entries, options);
  let target: NewFile | undefined;
  try {
    const finalPath = await linkTarget(path);
    target = await createNewFile(finalPath);
    const { places, end } = layOut(files);
    await mapConcurrent(places, { concurrency, signal }, (place, signal) => writeFile(target!, place, { signal }));
    await target.write(new Uint8Array(2 * BLOCK), end);
    signal?.throwIfAborted();
    await target.commit(finalPath);
  } catch (error) {
    await target?.discard();
    throw error;
  } finally {
    await dispose();
  }
}

/** A file and where in the archive it goes, header first. */
interface Place {
  readonly file: PlannedFile;
  readonly header: Uint8Array;
  readonly offset: number;
}

function layOut(files: readonly PlannedFile[]): { places: Place[]; end: number } {
  let end = 0;
  const places = files.map((file): Place => {
    const header = encodeTarHeader({ path: file.path, size: file.size });
    const offset = end;
    end += header.length + Math.ceil(file.size / BLOCK) * BLOCK;
    return { file, header, offset };
  });
  return { places, end };
}

/** Writes a file into its place. The padding behind it is a hole in the archive, which reads as zeros. */
async function writeFile(target: NewFile, { file, header, offset }: Place, { signal }: AbortOptions): Promise<void> {
  await target.write(header, offset);
  let at = offset + header.length;
  for await (const chunk of chunks(await file.open({ signal }), { signal })) {
    await target.write(chunk, at);
    at += chunk.length;
  }
}

/** Where a symbolic link at the path leads to: the link stays. */
async function linkTarget(path: string): Promise<string> {
  return await exists(path) ? await realPath(path) : path;
}

/** Whether something is at the path that can only be written to from the beginning: a pipe, a terminal. */
async function isSpecial(path: string): Promise<boolean> {
  try {
    const { kind } = await stat(path);
    if (kind === "directory") throw new TarballError(`${path} is a directory, where a tarball was to be written`);
    return kind !== "file";
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}
