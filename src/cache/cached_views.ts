import { DigestMismatchError, SizeMismatchError } from "../errors.ts";
import { decompressSniffed, sliceStream, verifyStream } from "../io/mod.ts";
import type { BlobIdentity, Content, Image, ImageIndex, IndexChild, Layer } from "../image/mod.ts";
import { type ByteStream, pullStream } from "../runtime/mod.ts";
import type { LayerCache } from "./file_cache.ts";

/**
 * Returns a layer that is read from the cache if it is there, and kept in it when it is read from its source. Bytes
 * from the cache are verified; a corrupt entry is removed, and the read fails. A layer without a digest is not cached.
 */
export function cachedLayer(layer: Layer, cache: LayerCache): Layer {
  const { identity } = layer.content;
  if (identity === undefined) return layer;
  const content = cachedContent(layer.content, identity, cache);
  return {
    ...layer,
    content,
    compressed: (options) => content.open(options),
    uncompressed: async (options) =>
      await decompressSniffed(await content.open(options), { what: identity.digest, size: identity.size }),
  };
}

/**
 * Returns content that is read from the cache, or kept in it while it is read. It has no `place`, as each chunk must
 * pass through JavaScript.
 */
function cachedContent(content: Content, identity: BlobIdentity, cache: LayerCache): Content {
  const { digest } = identity;
  return {
    identity,
    once: content.once,
    origins: content.origins,
    async open(options = {}) {
      const kept = await cache.open(digest, options);
      if (kept) return checked(kept, options.offset ?? 0);
      return options.offset ? await content.open(options) : cache.store(digest, await content.open(options));
    },
  };

  /** A stream that does not start at the first byte can't be verified. */
  function checked(kept: ByteStream, offset: number): ByteStream {
    if (offset > 0) return sliceStream(kept, { offset });
    const reader = verifyStream(kept, identity, `the cache's entry for ${digest}`).getReader();
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
  }
}

/** Returns an image whose layers are read through the cache. */
export function cachedImage(image: Image, cache: LayerCache): Image {
  return {
    ...image,
    layers: async (options) => (await image.layers(options)).map((layer) => cachedLayer(layer, cache)),
    layerByDigest: async (digest, options) => cachedLayer(await image.layerByDigest(digest, options), cache),
    layerByDiffId: async (diffId, options) => cachedLayer(await image.layerByDiffId(diffId, options), cache),
  };
}

/** Returns an index whose images read their layers through the cache. */
export function cachedIndex(index: ImageIndex, cache: LayerCache): ImageIndex {
  const through = (view: IndexChild["view"]) => {
    switch (view.kind) {
      case "image":
        return cachedImage(view, cache);
      case "index":
        return cachedIndex(view, cache);
      case "layer":
        return cachedLayer(view, cache);
      case "manifest":
        return view;
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
