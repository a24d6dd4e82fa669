import { type Layer, layerFromCompressed, layerFromUncompressed } from "../image/mod.ts";
import { type AbortOptions, digestBytes, mapConcurrent } from "../io/mod.ts";
import { MediaType } from "../spec/mod.ts";
import { writeTar } from "../tar/mod.ts";
import { VERSION } from "../version.ts";
import type { BuildCache } from "./build_cache.ts";
import { type ImageFile, tarEntries } from "./image_files.ts";

/** Options of {@linkcode layerOf}. */
export interface FileLayerOptions extends AbortOptions {
  /** The time of every entry, in seconds since 1970. */
  readonly mtime: number;
  /** Where layers are kept between builds; without it each is compressed twice, for its digest and for its sending. */
  readonly cache?: BuildCache;
}

/** How many files are asked for their versions together. */
const CONCURRENCY = 64;

/**
 * Makes a layer of files, the same on every runtime. With a cache, a layer of the same files as in an earlier build is
 * not made again, and its files are not read.
 */
export async function layerOf(files: readonly ImageFile[], options: FileLayerOptions): Promise<Layer> {
  const { mtime, cache, signal } = options;
  const made = layerFromUncompressed({
    uncompressed: (abort) => Promise.resolve(writeTar(tarEntries(files, mtime), abort)),
    reproducible: true,
  });
  const key = cache && await keyOf(files, options);
  if (cache === undefined || key === undefined) return made;
  const { digest, size, diffId } = await cache.find(key, { signal }) ?? await cache.keep(key, made, { signal });
  return layerFromCompressed({
    descriptor: { mediaType: MediaType.OciLayerGzip, digest, size },
    diffId: () => Promise.resolve(diffId),
    compressed: async (options) => await cache.open(digest, options) ?? await made.compressed(options),
    what: `the layer ${digest} in the cache`,
  });
}

/** Returns the name of a layer in the cache: a digest of what it is made of; `undefined` if a file has no version. */
async function keyOf(files: readonly ImageFile[], { mtime, signal }: FileLayerOptions): Promise<string | undefined> {
  const lines = await mapConcurrent(files, { concurrency: CONCURRENCY, signal }, async (file) => {
    const version = await file.version();
    return version === undefined ? undefined : [file.path, file.type, file.size, file.executable, file.target, version];
  });
  if (lines.includes(undefined)) return undefined;
  const text = JSON.stringify({ gcrane: VERSION, mtime, files: lines });
  return (await digestBytes(new TextEncoder().encode(text))).replace("sha256:", "");
}
