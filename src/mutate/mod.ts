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
export { editImage, type ImageEdit } from "./edit_image.ts";
export type { EditExtras, ManifestChanges, ManifestExtras } from "./manifest_extras.ts";
export { changeImage, type ImageChanges } from "./change_image.ts";
export type { RunConfigChanges } from "./run_config.ts";
export { annotate, annotateBase, type BaseName } from "./annotate.ts";
export { editIndex, type IndexEdit, type IndexMember } from "./edit_index.ts";
export {
  appendManifests,
  changeIndex,
  type IndexChanges,
  type ManifestAddition,
  removeManifests,
} from "./index_members.ts";
export { type MapImage, mapIndex, type MapIndexOptions, matchAttestations } from "./map_index.ts";
export { rebase, type RebaseOptions } from "./rebase.ts";
export { recompress, recompressLayer, type RecompressOptions } from "./recompress.ts";
export { canonical, type CanonicalOptions, time } from "./time.ts";
export { flatten, type FlattenOptions } from "./flatten.ts";
export { extract, extractLayers } from "./extract.ts";
