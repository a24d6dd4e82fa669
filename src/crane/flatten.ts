import type { Image } from "../image/mod.ts";
import { ociForZstd, ociIndex } from "../mutate/internal.ts";
import { flattenImage, type FlattenImageOptions, mapIndex, matchAttestations, removeManifests } from "../mutate/mod.ts";
import type { Hash } from "../spec/mod.ts";
import type { ImageSource } from "../source/mod.ts";
import { OCI_FOR_ZSTD } from "./append.ts";
import { type ChangeOptions, changeSource } from "./change_reference.ts";

/** Options of {@linkcode flatten}. */
export interface FlattenOptions extends ChangeOptions, Omit<FlattenImageOptions, "history"> {
  /**
   * Called with a message for the user: the image becomes an OCI image, as Docker's media types have no zstd.
   *
   * @default not called
   */
  onWarning?: (message: string) => void;
}

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
  const { compression, level, reproducible, estargz, jobs } = options;
  return await changeSource(source, (view) => {
    const edit = async (image: Image) => {
      const flat = flattenImage(image, { compression, level, reproducible, estargz, jobs });
      return compression === "zstd" ? await ociForZstd(flat, () => options.onWarning?.(OCI_FOR_ZSTD)) : flat;
    };
    if (view.kind === "image") return edit(view);
    return mapIndex(view, edit, {
      indexes: (index) => {
        const left = removeManifests(index, matchAttestations);
        return compression === "zstd" ? ociIndex(left) : left;
      },
    });
  }, options);
}
