import { type Content, type Image, imageFromUncompressed, type Layer, layerFromUncompressed } from "../image/mod.ts";
import { lazy } from "../io/mod.ts";
import type { Hash } from "../spec/mod.ts";

/** Gives images whose layers are their uncompressed tars, made once for all images that share a layer. */
export class TarViews {
  readonly #views = new Map<Image, Image>();
  readonly #originals = new Map<Image, Image>();
  /** By content, and by its digest once that is known: several contents may have one digest. */
  readonly #tars = new Map<Content | Hash, Layer>();

  /** The view of an image whose layers are tars, the same each time. */
  of(image: Image): Image {
    const known = this.#views.get(image);
    if (known) return known;
    const layers = lazy(async () => (await image.layers()).map((layer) => this.#tarOf(layer)));
    const view = imageFromUncompressed({ rawConfigFile: (options) => image.rawConfigFile(options), layers });
    this.#views.set(image, view);
    this.#originals.set(view, image);
    return view;
  }

  /** The image that a view was made of. */
  originalOf(view: Image): Image {
    return this.#originals.get(view) ?? view;
  }

  #tarOf(layer: Layer): Layer {
    const { content } = layer;
    const digest = content.identity?.digest;
    const tar: Layer = this.#tars.get(content) ?? (digest && this.#tars.get(digest)) ?? layerFromUncompressed({
      uncompressed: (options) => layer.uncompressed(options),
      // Where the tar is stored as it is, its digest is its diff id: it is hashed once.
      diffId: async (options) => await tar.digest(options),
      compression: "none",
    });
    this.#tars.set(content, tar);
    if (digest) this.#tars.set(digest, tar);
    return tar;
  }
}
