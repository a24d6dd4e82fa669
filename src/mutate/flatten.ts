import { knownDigest } from "../image/internal.ts";
import { type Image, layerFromUncompressed, type PackOptions } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { historyText } from "../spec/internal.ts";
import type { ConfigFile, History } from "../spec/mod.ts";
import { editImage } from "./edit_image.ts";
import { extract } from "./extract.ts";

/** Options of {@linkcode flattenImage}. */
export interface FlattenImageOptions extends PackOptions {
  /**
   * The single step of the new history.
   * @default one that names the image, if its digest is known, with the old history as JSON in its comment
   */
  history?: History;
}

/**
 * Merges an image's layers into one, without the files that upper layers hide. Config and annotations stay. The old
 * layers are read once each, when the new one is.
 */
export function flattenImage(base: Image, options: FlattenImageOptions = {}): Image {
  const { compression, level, reproducible, estargz, jobs } = options;
  const uncompressed = (abort?: AbortOptions) => Promise.resolve(extract(base, abort));
  const layer = layerFromUncompressed({ uncompressed, compression, level, reproducible, estargz, jobs });
  return editImage(base, {
    layers: () => [layer],
    configFile: async (config) => ({ ...config, history: [options.history ?? await flattening(base, config)] }),
  });
}

async function flattening(base: Image, { created, history }: ConfigFile): Promise<History> {
  // An unknown digest is not computed: that would compress layers that the result does not have.
  const digest = await knownDigest(base);
  return {
    ...(created === undefined ? {} : { created }),
    created_by: digest === undefined ? "gcrane flatten" : `gcrane flatten ${digest}`,
    ...(history?.length ? { comment: historyText(history) } : {}),
  };
}
