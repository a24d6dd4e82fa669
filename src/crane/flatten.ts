import type { Image } from "../image/mod.ts";
import {
  flatten as flattened,
  type FlattenOptions,
  mapIndex,
  matchAttestations,
  removeManifests,
} from "../mutate/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { type ChangeOptions, changeSource } from "./change_reference.ts";
import type { ImageSource } from "./open.ts";

/** Options of {@linkcode flatten}. */
export interface FlattenReferenceOptions extends ChangeOptions, Pick<FlattenOptions, "compression" | "level"> {}

/**
 * Makes one layer of the layers of an image, or of each image of an index, and pushes the result. Each
 * layer is read once, and the new one is uploaded while it is made. An index loses its attestations, which speak of the
 * layers that were there.
 *
 * @returns `repository@digest` of the result
 */
export async function flatten(
  source: ImageSource,
  options: FlattenReferenceOptions = {},
): Promise<`${string}@${Hash}`> {
  const { compression, level } = options;
  return await changeSource(source, async (view, { pusher, repository }) => {
    const edit = async (image: Image) => {
      const flat = flattened(image, { compression, level });
      // To ask for its digest first would be to make the layer twice.
      for (const layer of await flat.layers(options)) await pusher.upload(repository, layer, options);
      return flat;
    };
    if (view.kind === "image") return await edit(view);
    return mapIndex(view, edit, { indexes: (index) => removeManifests(index, matchAttestations) });
  }, options);
}
