import { type Content, type Image, imageFromUncompressed, type Layer, layerFromUncompressed } from "../image/mod.ts";
import { lazy } from "../io/mod.ts";

/** Gives images whose layers are their uncompressed tars, made once for all images that share a layer. */
export class TarViews {
  readonly #originals = new Map<Image, Image>();
  readonly #tars = new Map<Content | string, Layer>();

  /** The view of an image whose layers are tars. Config and names stay. */
  of(image: Image): Image {
    const layers = lazy(async () => (await image.layers()).map((layer) => this.#tarOf(layer)));
    const view = imageFromUncompressed({ rawConfigFile: (options) => image.rawConfigFile(options), layers });
    this.#originals.set(view, image);
    return view;
  }

  /** The image that a view was made of. */
  originalOf(view: Image): Image {
    return this.#originals.get(view) ?? view;
  }

  #tarOf(layer: Layer): Layer {
    const key = layer.content.identity?.digest ?? layer.content;
    const known = this.#tars.get(key);
    if (known) return known;
    const tar = layerFromUncompressed({
      uncompressed: (options) => layer.uncompressed(options),
      compression: "none",
    });
    this.#tars.set(key, tar);
    return tar;
  }
}
