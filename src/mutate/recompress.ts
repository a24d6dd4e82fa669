import { ESTARGZ_TOC_DIGEST } from "../image/internal.ts";
import { type Image, type Layer, layerFromUncompressed, type PackOptions } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import type { Compression, Hash } from "../spec/mod.ts";
import { editImage } from "./edit_image.ts";
import { compressedAs, compressionOf } from "./family.ts";

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

/** What becomes of a layer. */
export interface LayerRewrite extends PackOptions {
  /** Opens the new content. */
  uncompressed(options?: AbortOptions): Promise<ByteStream>;
  /** The digest of the new content, if it is known. */
  diffId?(options?: AbortOptions): Promise<Hash>;
  /** How it is stored. */
  readonly compression: Compression;
}

/** Names of annotations that are about the stored bytes: where in them eStargz or zstd:chunked has its table, say. */
const ABOUT_BYTES = ["containerd.io/", "io.containers.estargz.", "io.github.containers.zstd-chunked."];

/** A layer in the place of another: of the same family, with its annotations, as far as they can still be true. */
export async function rewriteLayer(layer: Layer, rewrite: LayerRewrite): Promise<Layer> {
  const kept = Object.entries(layer.annotations ?? {})
    .filter(([name]) => !ABOUT_BYTES.some((prefix) => name.startsWith(prefix)));
  return layerFromUncompressed({
    ...rewrite,
    mediaType: compressedAs(await layer.mediaType(), rewrite.compression),
    annotations: kept.length > 0 ? Object.fromEntries(kept) : undefined,
  });
}
