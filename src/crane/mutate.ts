import { UsageError } from "../errors.ts";
import type { Image } from "../image/mod.ts";
import { holdsZstd, ociForZstd, ociIndex } from "../mutate/internal.ts";
import { appendLayers, changeImage, type ImageChanges, mapIndex } from "../mutate/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { sourceName } from "../source/internal.ts";
import type { ImageSource } from "../source/mod.ts";
import { fittingLayers, layersFromPaths, type LayersFromPathsOptions, OCI_FOR_ZSTD } from "./append.ts";
import { changeSource, type ChangeSourceOptions } from "./change_reference.ts";

/** Options of {@linkcode mutate}. */
export interface MutateOptions
  extends ChangeSourceOptions, Omit<LayersFromPathsOptions, "signal" | "mediaType" | "annotations"> {
  /**
   * Tarballs or directories to add as layers on top, one each, the last one uppermost.
   *
   * @default none
   */
  append?: readonly string[];
  /**
   * Called with a message for the user: the image becomes an OCI image, as Docker's media types have no zstd.
   *
   * @default not called
   */
  onWarning?: (message: string) => void;
}

/**
 * Changes an image, or every image of an index in the same way, and pushes the result; the original stays. Does not
 * read existing layers.
 *
 * @returns `repository@digest` of the result
 * @throws {UsageError} if all images of an index would get the same platform.
 */
export async function mutate(
  source: ImageSource,
  changes: ImageChanges,
  options: MutateOptions = {},
): Promise<`${string}@${Hash}`> {
  return await changeSource(source, async (view, { images }) => {
    if (view.kind === "index" && changes.platform) {
      throw new UsageError(`${sourceName(source)} is an index, and its images can't all have the same platform`, {
        hint: "choose one of them with --platform",
      });
    }
    const layers = await layersFromPaths(options.append ?? [], options);
    const layersFor = fittingLayers(layers, options);
    const isZstd = await holdsZstd(layers);
    const edit = async (image: Image) => {
      const edited = changeImage(appendLayers(image, await layersFor(image)), changes);
      return isZstd ? await ociForZstd(edited, () => options.onWarning?.(OCI_FOR_ZSTD)) : edited;
    };
    return view.kind === "index"
      ? mapIndex(view, edit, { images, ...(isZstd && { indexes: ociIndex }) })
      : await edit(view);
  }, options);
}
