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
} from "../runtime/mod.ts";
import { type Hash, hashAlgorithm, hashHexDigits, parseHash } from "../spec/mod.ts";

/** Keeps stored layers by their digests. */
export interface LayerCache {
  /** Opens an entry; `undefined` when there is none. The bytes are not verified here. */
  open(digest: Hash, options?: AbortOptions): Promise<ByteStream | undefined>;
  /**
   * Returns the same stream, kept on the way: the entry is there once the stream has come to its end, and not before.
   */
  store(digest: Hash, source: ByteStream): ByteStream;
  /** Removes an entry; none there is fine. */
  remove(digest: Hash): Promise<void>;
}

/** Options of {@linkcode fileCache}. */
export interface FileCacheOptions {
  /**
   * Told when an entry can't be kept (the disk is full, the directory is read-only). The layer is read all the same.
   * @default nobody
   */
  onWarning?: (message: string) => void;
}

/**
 * Returns a cache in a directory, which is made when the first layer is kept: one file for each, `sha256/<hex>`. A file
 * gets its name when it is whole, so several processes may share the directory and none sees half a layer.
 */
export function fileCache(path: string, options: FileCacheOptions = {}): LayerCache {
  const pathOf = (digest: Hash) => {
    const checked = parseHash(digest);
    return joinPath(path, hashAlgorithm(checked), hashHexDigits(checked));
  };
  const warn = (digest: Hash, error: unknown) =>
    options.onWarning?.(`${digest} is not kept in the cache ${path}: ${(error as Error).message}`);
  return {
    async open(digest, { signal } = {}) {
      const file = await openRegular(pathOf(digest));
      return file?.stream({ closeWhenDone: true, signal });
    },
    store(digest, source) {
      return keep(source, () => createEntry(pathOf(digest)), pathOf(digest), (error) => warn(digest, error));
    },
    remove: (digest) => remove(pathOf(digest)),
  };
}

async function createEntry(path: string): Promise<NewFile> {
  await makeDirectory(dirName(path), { recursive: true });
  return await createNewFile(path);
}

/** Returns the file, when there is a regular one that is no link. */
async function openRegular(path: string): Promise<OpenFile | undefined> {
  let file: OpenFile;
  try {
    file = await openFile(path, { noFollow: true });
  } catch {
    return undefined; // whatever keeps it from being read, the layer can be had from where it came
  }
  if ((await file.stat()).kind === "file") return file;
  await file.close();
  return undefined;
}

/** Passes a stream on while it is written to a new file. A failure to write ends the keeping, not the stream. */
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
        // A reader that leaves ends the source, which is not its end.
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
      await creating; // a file that is about to be there must not stay
      await file?.discard();
      await reader.cancel(reason);
    },
  });
}
