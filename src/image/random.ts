import { lazy } from "../io/mod.ts";
import { configFileBytes, indexManifestBytes } from "../spec/internal.ts";
import {
  type Compression,
  DEFAULT_PLATFORM,
  type Descriptor,
  type Hash,
  layerMediaType,
  MediaType,
  parsePlatform,
  type Platform,
} from "../spec/mod.ts";
import { imageFromUncompressed } from "./image_core.ts";
import { indexFrom } from "./index_core.ts";
import { layerFromUncompressed } from "./layer_core.ts";
import { derivedSeed, freshSeed, RandomBytes } from "./random_bytes.ts";
import type { Image, ImageIndex, Layer } from "./view.ts";

/** Options of {@linkcode randomLayer}. */
export interface RandomLayerOptions {
  /**
   * The number of random bytes in the layer's only file.
   * @default 1024
   */
  size?: number;
  /**
   * What the bytes follow from: the same seed gives the same bytes, on every runtime.
   * @default another one each time
   */
  seed?: number;
  /**
   * How the layer is stored. Compressed bytes, and so digests, may differ between runtimes.
   * @default "none"
   */
  compression?: Compression;
  /**
   * The media type of the stored layer.
   * @default OCI's for the compression
   */
  mediaType?: string;
}

/** Options of {@linkcode randomImage}. */
export interface RandomImageOptions extends RandomLayerOptions {
  /**
   * The number of layers.
   * @default 2
   */
  layers?: number;
  /**
   * The media type of the manifest; those of config and layers follow.
   * @default OCI's
   */
  mediaType?: string;
  /**
   * The platform that the config names.
   * @default linux/amd64
   */
  platform?: Platform | string;
}

/** Options of {@linkcode randomIndex}. */
export interface RandomIndexOptions extends Omit<RandomImageOptions, "platform"> {
  /**
   * The number of images.
   * @default one for each platform, else 2
   */
  images?: number;
  /**
   * The platforms of the images, in order; images beyond them have none in the index.
   * @default none
   */
  platforms?: readonly (Platform | string)[];
  /**
   * The media type of the index; those of the images follow.
   * @default OCI's
   */
  mediaType?: string;
}

/** When everything random was made, so that a seed alone decides what it is. */
const CREATED = "1970-01-01T00:00:00Z";

/** A layer of one file with random bytes, made while it is read. It can be larger than memory. */
export function randomLayer(options: RandomLayerOptions = {}): Layer {
  const { seed = freshSeed(), compression = "none", mediaType } = options;
  const size = count("size", options.size ?? 1024);
  const file = { path: `random_file_${seed}.bin`, size, content: () => new RandomBytes(seed, { size }) };
  return layerFromUncompressed({
    async uncompressed({ signal } = {}) {
      const { writeTar } = await import("../tar/mod.ts"); // loaded when a layer is read
      return writeTar([file], { signal });
    },
    compression,
    mediaType,
  });
}

/** An image of random layers. */
export function randomImage(options: RandomImageOptions = {}): Image {
  const { seed = freshSeed(), mediaType = MediaType.OciManifest } = options;
  const platform = parsePlatform(options.platform ?? DEFAULT_PLATFORM);
  const { size, compression = "none" } = options;
  const layers = Array.from({ length: count("layers", options.layers ?? 2) }, (_, i) =>
    randomLayer({
      size,
      compression,
      seed: derivedSeed(seed, i),
      mediaType: layerMediaType(mediaType, compression),
    }));
  const rawConfigFile = lazy(async () => {
    const diffIds: Hash[] = [];
    for (const layer of layers) diffIds.push(await layer.diffId());
    return configFileBytes({
      created: CREATED,
      author: "gcrane",
      ...platform,
      config: {},
      rootfs: { type: "layers", diff_ids: diffIds },
      history: layers.map((_, i) => ({ created: CREATED, created_by: `random layer ${i + 1} of seed ${seed}` })),
    });
  });
  return imageFromUncompressed({
    rawConfigFile,
    layers: () => Promise.resolve(layers),
    mediaType,
    what: `random image ${seed}`,
  });
}

/** An index of random images. */
export function randomIndex(options: RandomIndexOptions = {}): ImageIndex {
  const { seed = freshSeed(), mediaType = MediaType.OciImageIndex, layers, size, compression } = options;
  const platforms = (options.platforms ?? []).map(parsePlatform);
  const docker = mediaType === MediaType.DockerManifestList;
  const images = Array.from(
    { length: count("images", options.images ?? (platforms.length || 2)) },
    (_, i) =>
      randomImage({
        layers,
        size,
        compression,
        seed: derivedSeed(seed, i),
        platform: platforms[i],
        mediaType: docker ? MediaType.DockerManifestSchema2 : MediaType.OciManifest,
      }),
  );
  const byDigest = new Map<Hash, Image>();
  const rawManifest = lazy(async () => {
    const manifests: Descriptor[] = [];
    for (const [i, image] of images.entries()) {
      const descriptor = await image.descriptor();
      byDigest.set(descriptor.digest, image);
      manifests.push({ ...descriptor, ...(platforms[i] ? { platform: platforms[i] } : {}) });
    }
    return indexManifestBytes({ schemaVersion: 2, mediaType, manifests });
  });
  const what = `random index ${seed}`;
  const nothing = ({ digest }: Descriptor) => {
    throw new TypeError(`${what} has only images, so ${digest} is none of its members`);
  };
  return indexFrom({
    rawManifest,
    image: (descriptor) => byDigest.get(descriptor.digest) ?? nothing(descriptor),
    index: nothing,
    blob: nothing,
    members: () => Promise.resolve(images),
    mediaType,
    what,
  });
}

function count(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`${name} must be a whole number from 0 on, not ${value}`);
}
