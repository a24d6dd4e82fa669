import { ManifestError } from "../errors.ts";
import { checkView, knownDigest, withDescriptor } from "../image/internal.ts";
import { type Image, imageFromUncompressed, type Layer } from "../image/mod.ts";
import { type AbortOptions, digestBytes, lazy } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { configFileBytes, imageManifestBytes } from "../spec/internal.ts";
import { type ConfigFile, type Descriptor, isConfig, isImage, type Manifest, parseConfigFile } from "../spec/mod.ts";
import { inFamily } from "./family.ts";
import { sameJson } from "./fields.ts";
import { checkLayerCount, diffIdsOf } from "./diff_ids.ts";
import { type EditExtras, rewriteManifest } from "./manifest_extras.ts";

/** The edits of {@linkcode editImage} to the parts of an image. Each is called once, when its part is read. */
export interface ImageEdit {
  /**
   * Edits the layers, the bottom one first. The diff ids in the config follow from them; the history is up to
   * `configFile`. Layers that were not there before get the media type that the image's family has for their kind.
   * @default they stay
   */
  layers?(layers: readonly Layer[]): readonly Layer[] | Promise<readonly Layer[]>;
  /**
   * Edits a copy of the config of an image to run, with the new diff ids.
   * @default it stays, but for the diff ids
   */
  configFile?(config: ConfigFile): ConfigFile | Promise<ConfigFile>;
  /**
   * Edits the config as bytes, of any type, after `configFile`.
   * @default they stay, to the byte, if nothing in them has changed
   */
  rawConfigFile?(bytes: Bytes): Bytes | Promise<Bytes>;
  /**
   * Edits a copy of the manifest's fields besides type, config and layers.
   * @default it stays
   */
  readonly manifest?: EditExtras;
  /**
   * The media type of the manifest. The types of config and layers become those of its family, Docker or OCI.
   * @default it stays
   */
  readonly mediaType?: string;
  /**
   * The media type of the config.
   * @default it stays, or is that of the manifest's family
   */
  readonly configMediaType?: string;
}

/**
 * Edits parts of an image. The base is not changed, nothing is read before the result is, and layers are
 * passed on unchanged.
 *
 * Unedited parts keep their bytes, the config and the manifest too, so that an edit without effect returns
 * an image with the same digest.
 *
 * Reading it fails with a {@linkcode ManifestError} when the config to edit is not that of an image to run or the edit
 * leaves no config, and with a {@linkcode ValidationError} when the number of layers disagrees with the config.
 *
 * @throws {TypeError} when the media type is not one of an image manifest.
 */
export function editImage(base: Image, edit: ImageEdit): Image {
  checkView(base, "image");
  const { mediaType } = edit;
  if (mediaType !== undefined && !isImage(mediaType)) {
    throw new TypeError(`${mediaType} is not the media type of an image manifest`);
  }
  const layers = lazy(() => editedLayers(base, edit));
  const outline = lazy(async () => {
    const before = await base.outline();
    const { schemaVersion, config, layers } = before;
    // A manifest without a type stays one, unless its type changes.
    const isChanged = mediaType !== undefined && mediaType !== await base.mediaType();
    const parts = { schemaVersion, mediaType: isChanged ? mediaType : before.mediaType, config, layers };
    return await rewriteManifest<Manifest>(before, parts, edit.manifest);
  });
  const made = imageFromUncompressed({
    rawConfigFile: () => editedConfig(base, edit, layers),
    layers,
    mediaType: async (options) => mediaType ?? await base.mediaType(options),
    configMediaType: async (options) => {
      const before = await configTypeOf(base, options);
      return edit.configMediaType ?? (mediaType === undefined ? before : inFamily(before, mediaType));
    },
    async finish(drafted) {
      const before = await outline();
      const config = configDescriptor(before.config, drafted.config);
      return { ...before, ...drafted, mediaType: before.mediaType, config };
    },
    outline,
    // The bytes of a base without a digest need not be kept.
    before: async () => await knownDigest(base) === undefined ? undefined : await base.rawManifest(),
    what: "the edited image",
  });
  const answering = lazy(async () => {
    if (await knownDigest(base) === undefined) return made;
    return await made.digest() === await digestBytes(imageManifestBytes(await base.manifest())) ? base : made;
  });
  return {
    ...made,
    manifest: async (options) => await (await answering(options)).manifest(options),
    rawManifest: async (options) => await (await answering(options)).rawManifest(options),
    digest: async (options) => await (await answering(options)).digest(options),
    size: async (options) => await (await answering(options)).size(options),
    descriptor: async (options) => await (await answering(options)).descriptor(options),
  };
}

/** Returns the type of an image's config, without the manifest, which may have to wait for layers. */
async function configTypeOf(image: Image, options?: AbortOptions): Promise<string> {
  return await (await image.configLayer(options)).mediaType(options);
}

async function editedLayers(base: Image, edit: ImageEdit): Promise<readonly Layer[]> {
  const before = await base.layers();
  const after = edit.layers ? await edit.layers(before) : before;
  const mediaType = edit.mediaType ?? await base.mediaType();
  const kept = new Set(edit.mediaType === undefined ? before : []);
  return await Promise.all(after.map(async (layer) => {
    // A layer of the base stays, even where its type is not of the image's family.
    if (kept.has(layer)) return layer;
    const own = await layer.mediaType();
    const fitting = inFamily(own, mediaType);
    return own === fitting ? layer : withDescriptor(layer, { mediaType: fitting });
  }));
}

async function editedConfig(
  base: Image,
  edit: ImageEdit,
  layers: () => Promise<readonly Layer[]>,
): Promise<Bytes> {
  const before = await base.rawConfigFile();
  if (!edit.configFile && !edit.layers && !edit.rawConfigFile) return before;
  const type = await configTypeOf(base);
  if (!isConfig(type)) {
    if (edit.configFile) {
      throw new ManifestError(`the config of the image is of type ${type}, which can't be edited as an image's`, {
        hint: "an artifact has annotations, but no labels and nothing to run",
      });
    }
    return edit.rawConfigFile ? await edit.rawConfigFile(before) : before;
  }
  const edited = edit.configFile || edit.layers ? await editedConfigFile(base, edit, layers) : before;
  if (!edit.rawConfigFile) return edited;
  const bytes = await edit.rawConfigFile(edited);
  await checkLayerCount(parseConfigFile(bytes, "the edited config"), await layers(), "the edited config");
  return bytes;
}

async function editedConfigFile(
  base: Image,
  edit: ImageEdit,
  layers: () => Promise<readonly Layer[]>,
): Promise<Bytes> {
  const before = await base.configFile();
  const lower = await base.layers();
  await checkLayerCount(before, lower, `config ${await base.configName()}`);
  // An artifact that borrows an image's config type has no diff ids, and gets none.
  const tracked = before.rootfs.diff_ids.length === lower.length;
  let config = before;
  if (edit.layers && tracked) {
    const diffIds = await diffIdsOf(await layers());
    config = { ...before, rootfs: { ...before.rootfs, diff_ids: diffIds } };
  }
  if (edit.configFile) config = await edit.configFile(structuredClone(config));
  if (sameJson(config, before)) return await base.rawConfigFile();
  const bytes = configFileBytes(config, await base.rawConfigFile());
  await checkLayerCount(parseConfigFile(bytes, "the edited config"), await layers(), "the edited config");
  return bytes;
}

/** Returns the config's descriptor: the old one for the same bytes, else the new one with the old annotations. */
export function configDescriptor(before: Descriptor, after: Descriptor): Descriptor {
  if (before.digest === after.digest) return { ...before, mediaType: after.mediaType };
  return before.annotations ? { ...after, annotations: before.annotations } : after;
}
