import { ESTARGZ_TOC_DIGEST, type Image, type Layer, type PackOptions } from "../image/mod.ts";
import type { Compression } from "../spec/mod.ts";
import { editImage } from "./edit_image.ts";
import { compressionOf } from "./family.ts";
import { rewriteLayer } from "./rewrite_layer.ts";

/**
 * Options of {@linkcode recompress} and {@linkcode recompressLayer}. Layers that are compressed in this way already stay,
 * at whatever level. If the result is to be reproducible they don't, for nobody sees whether they are; if it is to be an
 * eStargz, only those that are one do.
 */
export interface RecompressOptions extends Pick<PackOptions, "level" | "reproducible" | "estargz"> {}

/**
 * An image with its layers stored in another way; the content stays, and so do the diff ids, but of an eStargz, whose
 * table of contents is in the tar. A layer that is stored so already stays as it is, and so does one that may not be
 * pushed. The others are read when somebody reads the image.
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
  if (now === undefined || (now === compression && await isSoAlready(layer, options))) return layer;
  return await rewriteLayer(layer, {
    ...options,
    uncompressed: (abort) => layer.uncompressed(abort),
    diffId: (abort) => layer.diffId(abort),
    compression,
  });
}

async function isSoAlready(layer: Layer, { reproducible, estargz }: RecompressOptions): Promise<boolean> {
  if (reproducible) return false;
  if (!estargz) return true;
  return layer.content.identity !== undefined &&
    (await layer.descriptor()).annotations?.[ESTARGZ_TOC_DIGEST] !== undefined;
}
