import { UsageError } from "../errors.ts";
import type { Image } from "../image/mod.ts";
import { appendLayers, changeImage, type ImageChanges, mapIndex } from "../mutate/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { layersFromPaths, type LayersFromPathsOptions } from "./append.ts";
import { type ChangeOptions, changeReference } from "./change_reference.ts";

/** Options of {@linkcode mutate}. */
export interface MutateOptions extends ChangeOptions, Pick<LayersFromPathsOptions, "stdin"> {
  /**
   * Tarballs or directories to put on top, one layer each, the last one uppermost.
   * @default none
   */
  append?: readonly string[];
}

/**
 * Changes an image in a registry, or every image of an index in the same way, and pushes the result; the original
 * stays. Layers that are there are not read.
 *
 * @returns `repository@digest` of the result
 * @throws {UsageError} when all images of an index would be for one platform.
 */
export async function mutate(
  reference: string,
  changes: ImageChanges,
  options: MutateOptions = {},
): Promise<`${string}@${Hash}`> {
  return await changeReference(reference, async (view) => {
    if (view.kind === "index" && changes.platform) {
      throw new UsageError(`${reference} is an index, whose images can't all be for one platform`, {
        hint: "choose one of them with --platform",
      });
    }
    const layers = await layersFromPaths(options.append ?? [], options);
    const edit = (image: Image) => changeImage(appendLayers(image, layers), changes);
    return view.kind === "index" ? mapIndex(view, edit) : edit(view);
  }, options);
}
