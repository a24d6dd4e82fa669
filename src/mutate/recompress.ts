import type { Image, Layer } from "../image/mod.ts";
import type { Compression } from "../spec/mod.ts";
import { editImage } from "./edit_image.ts";
import { compressionOf } from "./family.ts";
import { rewriteLayer } from "./rewrite_layer.ts";

/** Options of {@linkcode recompress} and {@linkcode recompressLayer}. */
export interface RecompressOptions {
  /**
   * How hard to compress: 1 to 9 for gzip, 1 to 19 for zstd. Layers that are compressed in this way already stay.
   * @default the fastest level that is worth its bytes
   */
  level?: number;
}

/**
 * An image with its layers stored in another way; the content stays, and so do the diff ids. A layer that is stored so
 * already stays as it is, and so does one that may not be pushed. The others are read when somebody reads the image.
 */
export function recompress(base: Image, compression: Compression, options: RecompressOptions = {}): Image {
  return editImage(base, {
    layers: (layers) => Promise.all(layers.map((layer) => recompressLayer(layer, compression, options))),
  });
}

/** A layer stored in another way, in the same way as {@linkcode recompress}. */
export async function recompressLayer(
  layer: Layer,
  compression: Compression,
  options: RecompressOptions = {},
): Promise<Layer> {
  const now = compressionOf(await layer.mediaType());
  if (now === undefined || now === compression) return layer;
  return await rewriteLayer(layer, {
    uncompressed: (abort) => layer.uncompressed(abort),
    diffId: (abort) => layer.diffId(abort),
    compression,
    level: options.level,
  });
}
