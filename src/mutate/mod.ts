/**
 * New images from old ones: functions from view to view that read nothing until the result is read, and then
 * manifests and configs alone, unless layers are made anew.
 *
 * {@linkcode editImage} and {@linkcode editIndex} edit the parts with functions; {@linkcode changeImage} and
 * {@linkcode changeIndex} take the changes as data, with `null` to remove; {@linkcode mapIndex} applies an edit to
 * every image of an index. Unedited parts keep their bytes.
 *
 * @example
 * ```ts
 * import { layerFromBytes, randomIndex } from "@gcrane/gcrane/image";
 * import { appendLayers, changeImage, mapIndex } from "@gcrane/gcrane/mutate";
 *
 * const layer = await layerFromBytes(new Uint8Array(1024));
 * const edited = mapIndex(randomIndex({ images: 3 }), (image) =>
 *   changeImage(appendLayers(image, [layer]), { labels: { team: "web", obsolete: null }, user: "1000" }));
 *
 * for (const { view } of await edited.children()) {
 *   if (view.kind === "image") console.log((await view.configFile()).config?.Labels); // { team: "web" }
 * }
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
export { rebaseImage, type RebaseImageOptions } from "./rebase.ts";
export { recompress, recompressLayer, type RecompressOptions } from "./recompress.ts";
export { canonical, type CanonicalOptions, time, type TimeOptions } from "./time.ts";
export { flattenImage, type FlattenImageOptions } from "./flatten.ts";
export { extract, extractLayers } from "./extract.ts";
