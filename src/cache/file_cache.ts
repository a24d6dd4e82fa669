import type { AbortOptions } from "../io/mod.ts";
import {
  type ByteStream,
  createNewFile,
  dirName,
  joinPath,
  makeDirectory,
  type NewFile,
  type OpenFile,
  openFile,
  pullStream,
  remove,
  removeOldTemporaries,
} from "../runtime/mod.ts";
import { type Hash, hashAlgorithm, hashHexDigits, parseHash } from "../spec/mod.ts";

/** A store of layers by their digests. */
export interface LayerCache {
  /** Opens an entry, or returns `undefined` if there is none. Does not verify the bytes. */
  open(digest: Hash, options?: AbortOptions): Promise<ByteStream | undefined>;
  /** Returns the same stream, which is kept while it is read: the entry exists once the stream has ended. */
  store(digest: Hash, source: ByteStream): ByteStream;
  /** Removes an entry, if it exists. */
  remove(digest: Hash): Promise<void>;
}

/** Options of {@linkcode fileCache}. */
export interface FileCacheOptions {
  /**
   * Called if an entry can't be kept, for example because the disk is full or the directory is read-only. The layer is
   * read all the same.
   *
   * @default not called
   */
  onWarning?: (message: string) => void;
}

/**
 * Creates a cache in a directory with one file, `sha256/<hex>`, for each layer. The directory is created with the first
 * entry. A file is renamed to its name once it is complete, so several processes may share the directory.
 */
export function fileCache(path: string, options: FileCacheOptions = {}): LayerCache {
  const pathOf = (digest: Hash) => {
    const checked = parseHash(digest);
    return joinPath(path, hashAlgorithm(checked), hashHexDigits(checked));
  };
  const warn = (digest: Hash, error: unknown) =>
    options.onWarning?.(`${digest} is not kept in the cache ${path}: ${(error as Error).message}`);
  const tidied = new Set<string>();
  const create = async (file: string) => {
    const directory = dirName(file);
    await makeDirectory(directory, { recursive: true });
    if (!tidied.has(directory)) {
      tidied.add(directory);
      await removeOldTemporaries(directory);
    }
    return await createNewFile(file);
  };
  return {
    async open(digest, { signal } = {}) {
      const file = await openRegular(pathOf(digest));
      return file?.stream({ closeWhenDone: true, signal });
    },
    store(digest, source) {
      return keep(source, () => create(pathOf(digest)), pathOf(digest), (error) => warn(digest, error));
    },
    remove: (digest) => remove(pathOf(digest)),
  };
}

/** Returns a cache from which entries are read, and to which none are added. Nothing is removed from it either. */
export function readOnlyCache(cache: LayerCache): LayerCache {
  return {
    open: (digest, options) => cache.open(digest, options),
    store: (_, source) => source,
    remove: () => Promise.resolve(),
  };
}

/** Opens a regular file; returns `undefined` for anything else, links included. */
async function openRegular(path: string): Promise<OpenFile | undefined> {
  let file: OpenFile;
  try {
    file = await openFile(path, { noFollow: true });
  } catch {
    return undefined; // the layer can be read from its source instead
  }
  if ((await file.stat()).kind === "file") return file;
  await file.close();
  return undefined;
}

/** Returns the same stream while writing it to a new file. A failure to write ends the writing, not the stream. */
function keep(
  source: ByteStream,
  create: () => Promise<NewFile>,
  path: string,
  warn: (error: unknown) => void,
): ByteStream {
  const reader = source.getReader();
  let file: NewFile | undefined;
  let written = 0;
  let isCancelled = false;
  const giveUp = async (error: unknown) => {
    warn(error);
    await file?.discard().catch(() => {});
    file = undefined;
  };
  const creating = create().then((created) => void (file = created), giveUp);
  return pullStream({
    start: () => creating,
    async read() {
      try {
        const { value } = await reader.read();
        // A cancelled reader also ends with `done`, but the entry is incomplete.
        if (isCancelled) return undefined;
        if (value) await file?.write(value, written).catch(giveUp);
        else await file?.commit(path).catch(giveUp);
        written += value?.length ?? 0;
        return value;
      } catch (error) {
        await file?.discard();
        throw error;
      }
    },
    async cancel(reason) {
      isCancelled = true;
      await creating; // waits for the file in order to remove it
      await file?.discard();
      await reader.cancel(reason);
    },
  });
}
