import { type Layer, layerFromCompressed, layerFromUncompressed } from "../image/mod.ts";
import { type AbortOptions, digestBytes } from "../io/mod.ts";
import { MediaType } from "../spec/mod.ts";
import { writeTar } from "../tar/mod.ts";
import { VERSION } from "../version.ts";
import type { BuildCache } from "./build_cache.ts";
import { type PlacedFiles, tarEntries } from "./image_files.ts";

/** Options of {@linkcode layerOf}. */
export interface FileLayerOptions extends AbortOptions {
  /** The key of {@linkcode layerKey}. */
  readonly key: string;
  /** The time of every entry, in seconds since 1970. */
  readonly mtime: number;
  /** Where layers are kept between builds; without it each is compressed twice, for its digest and for its sending. */
  readonly cache?: BuildCache;
}

/**
 * Makes a layer of files, the same on every runtime. With a cache, a layer of the same files as in an earlier build is
 * not made again, and its files are not read.
 */
export async function layerOf(sets: readonly PlacedFiles[], options: FileLayerOptions): Promise<Layer> {
  const { key, mtime, cache, signal } = options;
  const made = layerFromUncompressed({
    uncompressed: (abort) => Promise.resolve(writeTar(tarEntries(sets, mtime), abort)),
    reproducible: true,
  });
  if (cache === undefined || !sets.every(({ facts }) => facts.hasVersions)) return made;
  const { digest, size, diffId } = await cache.find(key, { signal }) ?? await cache.keep(key, made, { signal });
  return layerFromCompressed({
    descriptor: { mediaType: MediaType.OciLayerGzip, digest, size },
    diffId: () => Promise.resolve(diffId),
    compressed: async (options) => await cache.open(digest, options) ?? await made.compressed(options),
    place: cache.openFile && { kind: "file", open: () => cache.openFile!(digest), offset: 0, length: size },
    what: `the layer ${digest} in the cache`,
  });
}

/** Returns the name of a layer in the cache: a digest of what it is made of. */
export async function layerKey(sets: readonly PlacedFiles[], mtime: number): Promise<string> {
  const facts = [VERSION, mtime, ...sets.map(({ folder, facts }) => [folder, facts.digest])];
  return (await digestBytes(new TextEncoder().encode(JSON.stringify(facts)))).slice("sha256:".length);
}
