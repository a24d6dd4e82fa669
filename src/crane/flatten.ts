import type { Image } from "../image/mod.ts";
import { flattenImage, type FlattenImageOptions, mapIndex, matchAttestations, removeManifests } from "../mutate/mod.ts";
import type { Hash } from "../spec/mod.ts";
import type { ImageSource } from "../source/mod.ts";
import { type ChangeOptions, changeSource } from "./change_reference.ts";

/** Options of {@linkcode flatten}. */
export interface FlattenOptions extends ChangeOptions, Omit<FlattenImageOptions, "history"> {}

/**
 * Merges the layers of an image, or of each image of an index, into one and pushes the result. Reads each layer once,
 * and uploads the new one while it is made. Drops the attestations of an index, as they describe the old layers.
 *
 * @returns `repository@digest` of the result
 */
export async function flatten(
  source: ImageSource,
  options: FlattenOptions = {},
): Promise<`${string}@${Hash}`> {
  const { compression, level, reproducible, estargz } = options;
  return await changeSource(source, (view) => {
    const edit = (image: Image) => flattenImage(image, { compression, level, reproducible, estargz });
    if (view.kind === "image") return edit(view);
    return mapIndex(view, edit, { indexes: (index) => removeManifests(index, matchAttestations) });
  }, options);
}
