import { decodeBase64 } from "@std/encoding/base64";
import { NotFoundError } from "../errors.ts";
import {
  type AbortOptions,
  digestBytes,
  lazy,
  Limits,
  mapConcurrent,
  readAll,
  streamOf,
  verifyBytes,
} from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { imageManifestBytes } from "../spec/internal.ts";
import {
  type Descriptor,
  type Hash,
  isConfig,
  isLayer,
  type Manifest,
  manifestMediaType,
  MediaType,
  parseConfigFile,
  parseManifest,
} from "../spec/mod.ts";
import { contentOfBytes } from "./content.ts";
import { type CompressedLayerCore, layerFromCompressed, layerOfContent } from "./layer_core.ts";
import type { Image, Layer, ManifestView } from "./view.ts";

/** The least that makes an {@linkcode Image} of a manifest that exists already. */
export interface ImageCore {
  /** The bytes of the manifest. */
  rawManifest(options?: AbortOptions): Promise<Bytes>;
  /** The blob that a descriptor of the manifest points at. Called for layers and for the config. */
  blob(descriptor: Descriptor): Omit<CompressedLayerCore, "descriptor">;
  /** The media type of the manifest, where its source has one; else it is read from the bytes. */
  readonly mediaType?: string;
  /** The descriptor in the index that it comes from. */
  readonly descriptor?: Descriptor;
  /** The name of the image in an error: a reference, a path. */
  readonly what?: string;
}

/** An image of a manifest that exists already. Its bytes are kept as they are. */
export function imageFromCompressed(core: ImageCore): Image {
  const { what = "manifest" } = core;
  const view = manifestView(core, what);
  const manifest = lazy(async () => parseManifest(await core.rawManifest(), what));
  const configLayer = async (options?: AbortOptions) => {
    const { config } = await manifest(options);
    return blobLayer(core, config);
  };
  const rawConfigFile = lazy(async () => {
    const { config } = await manifest();
    return await embedded(config) ?? await readBlob(await configLayer(), config);
  });
  const configFile = lazy(async () => parseConfigFile(await rawConfigFile(), `config of ${what}`));
  const layers = lazy(async () => {
    const { config, layers } = await manifest();
    // The diff ids of a runnable image are in its config; an artifact's blobs have none but their own digest.
    const runnable = isConfig(config.mediaType) || layers.some((layer) => isLayer(layer.mediaType));
    const diffIdOf = async (index: number, options?: AbortOptions) => {
      const { diff_ids } = (await configFile(options)).rootfs;
      return diff_ids.length === layers.length ? diff_ids[index] : undefined;
    };
    return layers.map((descriptor, index) =>
      blobLayer(core, descriptor, runnable ? (options) => diffIdOf(index, options) : undefined)
    );
  });
  return imageView(view, { manifest, rawConfigFile, configFile, configLayer, layers }, what);
}

/** What makes an {@linkcode Image} of a config and layers; its manifest is written when it is asked for. */
export interface ImageParts {
  /** The bytes of the config file, whose diff ids are those of the layers. */
  rawConfigFile(options?: AbortOptions): Promise<Bytes>;
  /** The layers, the bottom one first. */
  layers(options?: AbortOptions): Promise<readonly Layer[]>;
  /**
   * The media type of the manifest to write.
   * @default OCI's
   */
  readonly mediaType?: string | ((options?: AbortOptions) => Promise<string>);
  /**
   * The media type of the config.
   * @default the one that goes with the manifest's
   */
  configMediaType?(options?: AbortOptions): Promise<string>;
  /**
   * The last word on the manifest: annotations, a subject. Digests and sizes are right already.
   * @default the manifest as it is
   */
  finish?(manifest: Manifest, options?: AbortOptions): Manifest | Promise<Manifest>;
  /**
   * The manifest as it is known before the layers are read.
   * @default the manifest itself, which reads the layers whose digests are not known
   */
  outline?(options?: AbortOptions): Promise<Manifest>;
  /**
   * The bytes of the manifest that this one is made from: numbers that stay keep their text.
   * @default none
   */
  before?(): Promise<Bytes | undefined>;
  /** What to call the image in an error. */
  readonly what?: string;
}

/** How many layers are read at the same time to learn their digests. */
const CONCURRENCY = 4;

/** An image of a config and layers that has no manifest yet (a `docker save` tarball, for example). */
export function imageFromUncompressed(parts: ImageParts): Image {
  const { what = "image", finish = (manifest: Manifest) => manifest } = parts;
  const { mediaType: given = MediaType.OciManifest } = parts;
  const mediaType = typeof given === "string" ? () => Promise.resolve(given) : given;
  const rawConfigFile = lazy(() => parts.rawConfigFile());
  const configFile = lazy(async () => parseConfigFile(await rawConfigFile(), `config of ${what}`));
  const layers = lazy(() => parts.layers());
  const configDescriptor = lazy(async (): Promise<Descriptor> => {
    const bytes = await rawConfigFile();
    return {
      mediaType: await parts.configMediaType?.() ?? configMediaType(await mediaType()),
      digest: await digestBytes(bytes),
      size: bytes.length,
    };
  });
  const rawManifest = lazy(async () => {
    const type = await mediaType();
    const pool = { concurrency: CONCURRENCY };
    const descriptors = await mapConcurrent(await layers(), pool, (layer, signal) => layer.descriptor({ signal }));
    // After the layers: reading them is how the diff ids in the config are learnt.
    const drafted = { schemaVersion: 2, mediaType: type, config: await configDescriptor(), layers: descriptors };
    return imageManifestBytes(await finish(drafted), await parts.before?.());
  });
  const manifest = lazy(async () => parseManifest(await rawManifest(), what));
  const configName = async (options?: AbortOptions) => (await configDescriptor(options)).digest;
  const configLayer = async (options?: AbortOptions) => {
    const bytes = await rawConfigFile(options);
    const descriptor = await configDescriptor(options);
    return layerOfContent(contentOfBytes(bytes, descriptor), descriptor);
  };
  const digestKnown = async (options?: AbortOptions) => (await layers(options)).every((layer) => layer.digestKnown());
  const view = manifestView({ rawManifest, mediaType, digestKnown }, what);
  const { outline } = parts;
  return imageView(view, { manifest, outline, rawConfigFile, configFile, configLayer, layers, configName }, what);
}

function configMediaType(manifestMediaType: string): string {
  return manifestMediaType === MediaType.DockerManifestSchema2 ? MediaType.DockerConfigJson : MediaType.OciConfig;
}

/** What follows from the bytes of any manifest. */
export function manifestView(
  core: {
    rawManifest(options?: AbortOptions): Promise<Bytes>;
    readonly mediaType?: string | ((options?: AbortOptions) => Promise<string>);
    readonly descriptor?: Descriptor;
    digestKnown?(options?: AbortOptions): Promise<boolean>;
  },
  what: string,
): ManifestView {
  const { rawManifest } = core;
  const mediaType = typeof core.mediaType === "function"
    ? core.mediaType
    : core.mediaType !== undefined
    ? () => Promise.resolve(core.mediaType as string)
    : lazy(async () => manifestMediaType(await rawManifest(), what));
  const digest = lazy(async () => core.descriptor?.digest ?? await digestBytes(await rawManifest()));
  const size = async (options?: AbortOptions) => core.descriptor?.size ?? (await rawManifest(options)).length;
  return {
    mediaType,
    digestKnown: core.digestKnown ?? (() => Promise.resolve(true)),
    digest,
    size,
    rawManifest,
    descriptor: async (options) =>
      core.descriptor ??
        { mediaType: await mediaType(options), digest: await digest(options), size: await size(options) },
  };
}

/** The digest of a manifest, where it is known without reading (and compressing) layers. */
export async function knownDigest(view: ManifestView, options?: AbortOptions): Promise<Hash | undefined> {
  return await view.digestKnown(options) ? await view.digest(options) : undefined;
}

/** The content that a descriptor carries with it (image-spec, `data`), verified; `undefined` when it carries none. */
export async function embedded(descriptor: Descriptor): Promise<Bytes | undefined> {
  if (typeof descriptor.data !== "string") return undefined;
  let bytes: Bytes;
  try {
    bytes = decodeBase64(descriptor.data);
  } catch {
    return undefined;
  }
  return await verifyBytes(bytes, descriptor, `the data embedded for ${descriptor.digest}`);
}

type ImageMembers =
  & Pick<Image, "manifest" | "rawConfigFile" | "configFile" | "configLayer" | "layers">
  & Partial<Pick<Image, "configName" | "outline">>;

function imageView(view: ManifestView, members: ImageMembers, what: string): Image {
  const { manifest, layers, configLayer } = members;
  const notFound = (kind: string, hash: Hash) => new NotFoundError(`${what} has no layer with the ${kind} ${hash}`);
  return {
    kind: "image",
    ...view,
    ...members,
    outline: members.outline ?? manifest,
    configName: members.configName ?? (async (options) => (await manifest(options)).config.digest),
    async layerByDigest(digest, options) {
      for (const layer of await layers(options)) if (await layer.digest(options) === digest) return layer;
      const config = await configLayer(options);
      if (await config.digest(options) === digest) return config;
      throw notFound("digest", digest);
    },
    async layerByDiffId(diffId, options) {
      for (const layer of await layers(options)) if (await layer.diffId(options) === diffId) return layer;
      throw notFound("diff id", diffId);
    },
  };
}

function blobLayer(
  core: ImageCore,
  descriptor: Descriptor,
  diffId?: (options?: AbortOptions) => Promise<Hash | undefined>,
): Layer {
  const blob = core.blob(descriptor);
  const carried = descriptor.data === undefined ? {} : {
    async compressed(options?: AbortOptions) {
      const bytes = await embedded(descriptor);
      return bytes ? streamOf(bytes) : await blob.compressed({ signal: options?.signal });
    },
    ranges: false,
    place: undefined,
  };
  const layer = layerFromCompressed({ ...blob, ...carried, descriptor });
  if (!diffId) return layer;
  return { ...layer, diffId: async (options) => await diffId(options) ?? await layer.diffId(options) };
}

async function readBlob(layer: Layer, descriptor: Descriptor): Promise<Bytes> {
  return await readAll(await layer.compressed(), {
    limit: Math.min(descriptor.size, Limits.manifest),
    what: `config ${descriptor.digest}`,
  });
}
