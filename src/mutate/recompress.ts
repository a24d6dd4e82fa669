import { ESTARGZ_TOC_DIGEST } from "../image/internal.ts";
import { type Image, type Layer, layerFromUncompressed, type PackOptions } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import type { Compression, Hash } from "../spec/mod.ts";
import { editImage } from "./edit_image.ts";
import { compressedAs, compressionOf } from "./family.ts";

/**
 * Options of {@linkcode recompress} and {@linkcode recompressLayer}. A layer with this compression stays,
 * at any level, except where the result is to be reproducible, which can't be seen in a layer, or an
 * eStargz, and the layer is not one.
 */
export interface RecompressOptions extends Pick<PackOptions, "level" | "reproducible" | "estargz" | "jobs"> {}

/**
 * Stores an image's layers with another compression; their content and diff ids stay, except for an eStargz, whose
 * table of contents is in the tar. A layer with this compression stays, and so does one that may not be
 * pushed. The others are read when the image is.
 */
export function recompress(base: Image, compression: Compression, options: RecompressOptions = {}): Image {
  return editImage(base, {
    layers: (layers) => Promise.all(layers.map((layer) => recompressLayer(layer, compression, options))),
  });
}

/** Stores a layer with another compression, as {@linkcode recompress} does. */
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

/** The new content of a layer and how it is stored. */
export interface LayerRewrite extends PackOptions {
  /** Opens the new content. */
  uncompressed(options?: AbortOptions): Promise<ByteStream>;
  /** The digest of the new content, if it is known. */
  diffId?(options?: AbortOptions): Promise<Hash>;
  /** How it is stored. */
  readonly compression: Compression;
}

/** Prefixes of annotations about the stored bytes, such as where eStargz or zstd:chunked has its table. */
const ABOUT_BYTES = ["containerd.io/", "io.containers.estargz.", "io.github.containers.zstd-chunked."];

/** Makes a layer in place of another: of the same family, with the annotations that are not about the stored bytes. */
export async function rewriteLayer(layer: Layer, rewrite: LayerRewrite): Promise<Layer> {
  const kept = Object.entries(layer.annotations ?? {})
    .filter(([name]) => !ABOUT_BYTES.some((prefix) => name.startsWith(prefix)));
  return layerFromUncompressed({
    ...rewrite,
    mediaType: compressedAs(await layer.mediaType(), rewrite.compression),
    annotations: kept.length > 0 ? Object.fromEntries(kept) : undefined,
  });
}
