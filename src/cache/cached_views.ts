import { DigestMismatchError, SizeMismatchError } from "../errors.ts";
import { type AbortOptions, decompressSniffed, verifyStream } from "../io/mod.ts";
import type { Image, ImageIndex, IndexChild, Layer } from "../image/mod.ts";
import { pullStream } from "../runtime/mod.ts";
import type { LayerCache } from "./file_cache.ts";

/**
 * A layer that is read from the cache when it is there, and kept in it when it is read from where it came. What comes
 * from the cache is verified like everything else; an entry that turns out wrong is removed, and the read fails.
 * A streaming layer, which has no digest yet, passes by the cache.
 */
export function cachedLayer(layer: Layer, cache: LayerCache): Layer {
  const compressed = async (options?: AbortOptions) => {
    if (!layer.digestKnown()) return await layer.compressed(options);
    const { digest, size } = await layer.descriptor(options);
    const kept = await cache.open(digest, options);
    if (!kept) return cache.store(digest, await layer.compressed(options));
    const reader = verifyStream(kept, { digest, size }, `the cache's entry for ${digest}`).getReader();
    return pullStream({
      async read() {
        try {
          return (await reader.read()).value;
        } catch (error) {
          const wrong = error instanceof DigestMismatchError || error instanceof SizeMismatchError;
          if (wrong) await cache.remove(digest);
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
  };
  return {
    ...layer,
    get streaming() {
      return layer.streaming;
    },
    compressed,
    uncompressed: async (options) =>
      layer.digestKnown()
        ? await decompressSniffed(await compressed(options), await layer.digest(options))
        : await layer.uncompressed(options),
  };
}

/** An image whose layers are read through the cache. */
export function cachedImage(image: Image, cache: LayerCache): Image {
  return {
    ...image,
    layers: async (options) => (await image.layers(options)).map((layer) => cachedLayer(layer, cache)),
    layerByDigest: async (digest, options) => cachedLayer(await image.layerByDigest(digest, options), cache),
    layerByDiffId: async (diffId, options) => cachedLayer(await image.layerByDiffId(diffId, options), cache),
  };
}

/** An index of which every image's layers are read through the cache. */
export function cachedIndex(index: ImageIndex, cache: LayerCache): ImageIndex {
  const through = (view: IndexChild["view"]) => {
    switch (view.kind) {
      case "image":
        return cachedImage(view, cache);
      case "index":
        return cachedIndex(view, cache);
      case "layer":
        return cachedLayer(view, cache);
    }
  };
  return {
    ...index,
    members: async (options) => (await index.members(options)).map(through),
    children: async (options) =>
      (await index.children(options)).map(({ descriptor, view }) =>
        ({ descriptor, view: through(view) }) as IndexChild
      ),
    image: async (digest, options) => cachedImage(await index.image(digest, options), cache),
    index: async (digest, options) => cachedIndex(await index.index(digest, options), cache),
  };
}
