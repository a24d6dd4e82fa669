/**
 * Layers kept on disk between runs, by digest.
 *
 * @example
 * ```ts
 * import { cachedImage, fileCache } from "@gcrane/gcrane/cache";
 * import { randomImage } from "@gcrane/gcrane/image";
 *
 * const image = cachedImage(randomImage({ layers: 2 }), fileCache("/var/cache/gcrane"));
 * console.log((await image.layers()).length); // 2: read from the cache when they are there
 * ```
 *
 * @module
 */
export { fileCache, type FileCacheOptions, type LayerCache, readOnlyCache } from "./file_cache.ts";
export { cachedImage, cachedIndex, cachedLayer } from "./cached_views.ts";
