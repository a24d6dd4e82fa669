import { lazy } from "../io/mod.ts";
import { type Image, imageFromUncompressed, type Layer, withDescriptor } from "../image/mod.ts";
import { type ConfigFile, type History, jsonBytes, type Manifest } from "../spec/mod.ts";

/** A layer to put on top of an image, and what is said of it. */
export interface Addendum {
  /** The layer. */
  readonly layer: Layer;
  /**
   * How it came to be.
   * @default a line that says that gcrane appended it
   */
  readonly history?: History;
  /**
   * Its media type in the manifest.
   * @default the layer's own
   */
  readonly mediaType?: string;
  /**
   * Metadata for its descriptor.
   * @default the layer's own
   */
  readonly annotations?: Readonly<Record<string, string>>;
  /**
   * Where else it may be downloaded from.
   * @default nowhere
   */
  readonly urls?: readonly string[];
}

/**
 * An image with further layers on top. The base is not changed, and none of its layers is read.
 *
 * The base's media type, annotations and subject stay; its config gains the layers' diff ids and history.
 */
export function appendLayers(base: Image, addenda: readonly (Layer | Addendum)[]): Image {
  if (addenda.length === 0) return base;
  const added = addenda.map((item) => "layer" in item ? item : { layer: item });
  const layers = added.map(({ layer, mediaType, annotations, urls }) =>
    withDescriptor(layer, { mediaType, annotations, urls })
  );
  const configFile = lazy(async (): Promise<ConfigFile> => {
    const config = await base.configFile();
    const diffIds = await Promise.all(layers.map((layer) => layer.diffId()));
    return {
      ...config,
      rootfs: { ...config.rootfs, diff_ids: [...config.rootfs.diff_ids, ...diffIds] },
      history: [...config.history ?? [], ...added.map(({ history }) => history ?? { created_by: "gcrane append" })],
    };
  });
  return imageFromUncompressed({
    rawConfigFile: async () => jsonBytes(await configFile()),
    layers: async (options) => [...await base.layers(options), ...layers],
    mediaType: (options) => base.mediaType(options),
    configMediaType: async (options) => (await base.manifest(options)).config.mediaType,
    finish: async (manifest, options): Promise<Manifest> => ({ ...await base.manifest(options), ...manifest }),
    what: "the image with layers appended",
  });
}
