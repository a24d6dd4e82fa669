import { type Layer, layerFromCompressed, layerFromUncompressed } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { streamingHash } from "../runtime/mod.ts";
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
export async function layerOf(placed: readonly PlacedFiles[], options: FileLayerOptions): Promise<Layer> {
  const { key, mtime, cache, signal } = options;
  const made = layerFromUncompressed({
    uncompressed: (abort) => Promise.resolve(writeTar(tarEntries(placed, mtime), abort)),
    reproducible: true,
  });
  if (cache === undefined || !hasVersions(placed)) return made;
  const { digest, size, diffId } = await cache.find(key, { signal }) ?? await cache.keep(key, made, { signal });
  return layerFromCompressed({
    descriptor: { mediaType: MediaType.OciLayerGzip, digest, size },
    diffId: () => Promise.resolve(diffId),
    compressed: async (options) => await cache.open(digest, options) ?? await made.compressed(options),
    what: `the layer ${digest} in the cache`,
  });
}

/** Returns a digest of what a layer is made of: of the same files by their versions, else of the same in one build. */
export async function layerKey(placed: readonly PlacedFiles[], mtime: number): Promise<string> {
  const hash = await streamingHash("sha256");
  const add = (value: unknown) => hash.update(new TextEncoder().encode(JSON.stringify(value)));
  add([VERSION, mtime]);
  for (const { folder, files } of placed) {
    add(folder);
    for (const file of files) add(file);
  }
  return await hash.hex();
}

/** Returns whether files have versions, so that their layer can be kept for another build. */
function hasVersions(placed: readonly PlacedFiles[]): boolean {
  return placed.every(({ files }) => files.every(({ type, version }) => type === "link" || version !== undefined));
}
