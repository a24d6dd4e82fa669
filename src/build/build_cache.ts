import type { Layer } from "../image/mod.ts";
import { type AbortOptions, chunks, fileFailure, jsonObject } from "../io/mod.ts";
import {
  type ByteStream,
  createNewFile,
  joinPath,
  makeDirectory,
  type OpenFile,
  openFile,
  readDirectory,
  readTextFile,
  removeFile,
  removeOldTemporaries,
  setTimes,
  stat,
  writeFileAtomic,
} from "../runtime/mod.ts";
import { type Hash, hashHexDigits, parseHash } from "../spec/mod.ts";

/** What is known of a layer in the cache. */
export interface KeptLayer {
  /** The digest of the compressed layer. */
  readonly digest: Hash;
  /** The size of the compressed layer. */
  readonly size: number;
  /** The digest of the tar in it. */
  readonly diffId: Hash;
}

/** Layers of earlier builds, by what they are made of. */
export interface BuildCache {
  /** Returns what is known of a layer; `undefined` if it is not there. */
  find(key: string, options?: AbortOptions): Promise<KeptLayer | undefined>;
  /** Makes a layer, and keeps it. */
  keep(key: string, layer: Layer, options?: AbortOptions): Promise<KeptLayer>;
  /** Opens a compressed layer; `undefined` if it is not there. */
  open(digest: Hash, options?: AbortOptions): Promise<ByteStream | undefined>;
  /** Opens the file of a compressed layer, for a sink that hands it to the runtime; absent if layers are no files. */
  openFile?(digest: Hash): Promise<OpenFile>;
}

/** A layer that no build has used for so long is removed, in milliseconds. */
const UNUSED_FOR = 30 * 24 * 60 * 60 * 1000;

/**
 * Creates a cache of layers in a directory. Several builds may use it at a time: each file gets its name once it is
 * complete. What no build has used for 30 days is removed when a layer is added.
 */
export function buildCache(directory: string): BuildCache {
  const blobs = joinPath(directory, "blobs");
  const facts = joinPath(directory, "layers");
  const blobPath = (digest: Hash) => joinPath(blobs, hashHexDigits(digest));
  const factsPath = (key: string) => joinPath(facts, `${key}.json`);
  let tidied: Promise<void> | undefined;
  const tidy = async () => {
    await makeDirectory(facts, { recursive: true });
    await makeDirectory(blobs, { recursive: true });
    await removeOldTemporaries(blobs);
    for (const folder of [facts, blobs]) await removeUnused(folder);
  };
  return {
    async find(key) {
      const kept = await readTextFile(factsPath(key)).then(parseFacts, () => undefined);
      if (kept === undefined) return undefined;
      // A layer that a registry has needs no file here; one that is sent is made again.
      for (const path of [factsPath(key), blobPath(kept.digest)]) await setTimes(path, Date.now()).catch(() => {});
      return kept;
    },
    async keep(key, layer, { signal } = {}) {
      try {
        await (tidied ??= tidy());
        const file = await createNewFile(joinPath(blobs, key));
        let written = 0;
        try {
          for await (const chunk of chunks(await layer.compressed({ signal }), { signal })) {
            await file.write(chunk, written);
            written += chunk.length;
          }
          await file.commit(blobPath(await layer.digest()));
        } catch (error) {
          await file.discard();
          throw error;
        }
        const kept = { digest: await layer.digest(), size: await layer.size(), diffId: await layer.diffId() };
        await writeFileAtomic(factsPath(key), `${JSON.stringify(kept)}\n`);
        return kept;
      } catch (error) {
        throw fileFailure(`can't keep a layer in the cache ${directory}`, error);
      }
    },
    openFile: (digest) => openFile(blobPath(digest), { noFollow: true }),
    async open(digest, options = {}) {
      try {
        return (await openFile(blobPath(digest), { noFollow: true })).stream({ closeWhenDone: true, ...options });
      } catch {
        return undefined; // the layer is made again
      }
    },
  };
}

async function removeUnused(folder: string): Promise<void> {
  const oldest = Date.now() - UNUSED_FOR;
  for (const { name } of await readDirectory(folder)) {
    const path = joinPath(folder, name);
    // Another build may have removed it in the meantime.
    const changed = await stat(path).then(({ mtimeMs }) => mtimeMs, () => undefined);
    if (changed !== undefined && changed < oldest) await removeFile(path);
  }
}

function parseFacts(text: string): KeptLayer | undefined {
  const { digest, size, diffId } = jsonObject(text) ?? {};
  if (typeof digest !== "string" || typeof diffId !== "string" || typeof size !== "number") return undefined;
  return { digest: parseHash(digest), size, diffId: parseHash(diffId) };
}
