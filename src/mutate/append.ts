import { type AbortOptions, lazy } from "../io/mod.ts";
import { withDescriptor } from "../image/internal.ts";
import { type Image, imageFromUncompressed, type Layer } from "../image/mod.ts";
import { configFileBytes } from "../spec/internal.ts";
import { type ConfigFile, type History, isConfig, layerMediaType } from "../spec/mod.ts";
import { checkLayerCount, diffIdsOf } from "./diff_ids.ts";
import { configDescriptor } from "./edit_image.ts";
import { compressionOf } from "./family.ts";

/** A layer to put on top of an image, with its history and descriptor. */
export interface Addendum {
  /** The layer. */
  readonly layer: Layer;
  /**
   * The step of the history that made it.
   * @default a step with `gcrane append` as its command
   */
  readonly history?: History;
  /**
   * Its media type in the manifest.
   * @default the layer's own; of a plain layer, the one of the image's family for the same compression
   */
  readonly mediaType?: string;
  /**
   * Metadata for its descriptor.
   * @default the layer's own
   */
  readonly annotations?: Readonly<Record<string, string>>;
  /**
   * Other places to download it from.
   * @default nowhere
   */
  readonly urls?: readonly string[];
}

/**
 * Puts layers on top of an image. The base is not changed, and none of its layers is read.
 *
 * The base's media type, annotations and subject stay; its config gains the layers' diff ids and history, unless it is
 * an artifact's. A layer gets the media type that the base's family, Docker or OCI, has for its compression. Reading
 * the result fails when the base has more or fewer layers than its config has diff ids.
 */
export function appendLayers(base: Image, addenda: readonly (Layer | Addendum)[]): Image {
  if (addenda.length === 0) return base;
  const added = addenda.map((item) => "layer" in item ? item : { layer: item });
  const layers = lazy(async () => {
    const baseType = await base.mediaType();
    return await Promise.all(added.map((addendum) => described(addendum, baseType)));
  });
  const configMediaType = async (options?: AbortOptions) => (await base.manifest(options)).config.mediaType;
  const rawConfigFile = async () => {
    if (!isConfig(await configMediaType())) return await base.rawConfigFile();
    const config = await base.configFile();
    await checkLayerCount(config, await base.layers(), `config ${await base.configName()}`);
    return configFileBytes(await withLayers(config, added), await base.rawConfigFile());
  };
  return imageFromUncompressed({
    rawConfigFile,
    layers: async (options) => [...await base.layers(options), ...await layers(options)],
    mediaType: (options) => base.mediaType(options),
    configMediaType,
    async finish(drafted, options) {
      const before = await base.manifest(options);
      const config = configDescriptor(before.config, drafted.config);
      return { ...before, ...drafted, mediaType: before.mediaType, config };
    },
    outline: (options) => base.outline(options),
    before: () => base.rawManifest(),
    what: "the image with layers appended",
  });
}

/** Applies an addendum to its layer, in the family of the image that it goes to. */
async function described(addendum: Addendum, manifestMediaType: string): Promise<Layer> {
  const { layer, mediaType, annotations, urls } = addendum;
  const own = await layer.mediaType();
  const compression = compressionOf(own);
  // Foreign layers and blobs of an artifact have no counterpart in the other family.
  const fitting = compression === undefined ? own : layerMediaType(manifestMediaType, compression);
  return withDescriptor(layer, { mediaType: mediaType ?? fitting, annotations, urls });
}

/** Adds layers to a config. */
async function withLayers(config: ConfigFile, added: readonly Addendum[]): Promise<ConfigFile> {
  const diffIds = await diffIdsOf(added.map(({ layer }) => layer));
  return {
    ...config,
    rootfs: { ...config.rootfs, diff_ids: [...config.rootfs.diff_ids, ...diffIds] },
    history: [...config.history ?? [], ...added.map(({ history }) => history ?? { created_by: "gcrane append" })],
  };
}
