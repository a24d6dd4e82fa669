import { type Layer, layerFromUncompressed, type PackOptions } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import type { Compression, Hash } from "../spec/mod.ts";
import { annotated, annotationsOf } from "./before_digests.ts";
import { compressedAs } from "./family.ts";

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
  const mediaType = compressedAs(await layer.mediaType(), rewrite.compression);
  return annotated(layerFromUncompressed({ ...rewrite, mediaType }), async () => {
    const entries = Object.entries(await annotationsOf(layer) ?? {});
    const kept = entries.filter(([name]) => !ABOUT_BYTES.some((prefix) => name.startsWith(prefix)));
    return kept.length > 0 ? Object.fromEntries(kept) : undefined;
  });
}
