/**
 * New images from old ones: functions from view to view that read nothing until somebody reads the result.
 *
 * @example
 * ```ts
 * import { emptyImage, layerFromBytes } from "@gcrane/gcrane/image";
 * import { appendLayers } from "@gcrane/gcrane/mutate";
 *
 * const layer = await layerFromBytes(new Uint8Array(1024));
 * const image = appendLayers(emptyImage(), [layer]);
 * console.log((await image.configFile()).rootfs.diff_ids.length); // 1
 * ```
 *
 * @module
 */
export { type Addendum, appendLayers } from "./append.ts";
export { annotate, annotateBase } from "./annotate.ts";
export { extract, extractLayers } from "./extract.ts";
