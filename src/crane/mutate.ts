import { UsageError } from "../errors.ts";
import type { Image } from "../image/mod.ts";
import { appendLayers, changeImage, type ImageChanges, mapIndex } from "../mutate/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { layersFromPaths, type LayersFromPathsOptions } from "./append.ts";
import { changeSource, type ChangeSourceOptions } from "./change_reference.ts";
import { type ImageSource, sourceName } from "./open.ts";

/** Options of {@linkcode mutate}. */
export interface MutateOptions extends ChangeSourceOptions, Pick<LayersFromPathsOptions, "stdin"> {
  /**
   * Tarballs or directories to put on top, one layer each, the last one uppermost.
   * @default none
   */
  append?: readonly string[];
}

/**
 * Changes an image, or every image of an index in the same way, and pushes the result; the original stays. Layers that
 * are there are not read.
 *
 * @returns `repository@digest` of the result
 * @throws {UsageError} when all images of an index would be for one platform.
 */
export async function mutate(
  source: ImageSource,
  changes: ImageChanges,
  options: MutateOptions = {},
): Promise<`${string}@${Hash}`> {
  return await changeSource(source, async (view, { pusher, repository, images }) => {
    if (view.kind === "index" && changes.platform) {
      throw new UsageError(`${sourceName(source)} is an index, whose images can't all be for one platform`, {
        hint: "choose one of them with --platform",
      });
    }
    const layers = await layersFromPaths(options.append ?? [], options);
    // A layer has to be made to know its digest; to upload it now saves making it again, for each image of an index.
    for (const layer of layers) if (!layer.digestKnown()) await pusher.upload(repository, layer, options);
    const edit = (image: Image) => changeImage(appendLayers(image, layers), changes);
    return view.kind === "index" ? mapIndex(view, edit, { images }) : edit(view);
  }, options);
}
