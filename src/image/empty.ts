import { configFileBytes, indexManifestBytes } from "../spec/internal.ts";
import { MediaType, parsePlatform, type Platform } from "../spec/mod.ts";
import { NotFoundError } from "../errors.ts";
import { imageFromUncompressed } from "./image_core.ts";
import { indexFrom } from "./index_core.ts";
import type { Image, ImageIndex, Layer } from "./view.ts";

/** Options of {@linkcode emptyIndex}. */
export interface EmptyOptions {
  /**
   * The media type of the manifest.
   * @default OCI's
   */
  mediaType?: string;
}

/** Options of {@linkcode emptyImage}. */
export interface EmptyImageOptions extends EmptyOptions {
  /**
   * The platform that the config names. What runs images demands one.
   * @default none
   */
  platform?: Platform | string;
}

/** An image without layers, to build on. */
export function emptyImage(options: EmptyImageOptions = {}): Image {
  const platform = parsePlatform(options.platform ?? { architecture: "", os: "" });
  const config = configFileBytes({ ...platform, config: {}, rootfs: { type: "layers", diff_ids: [] } });
  return imageFromUncompressed({
    rawConfigFile: () => Promise.resolve(config),
    layers: () => Promise.resolve<Layer[]>([]),
    mediaType: options.mediaType,
    what: "the empty image",
  });
}

/** An index without members, to build on. */
export function emptyIndex(options: EmptyOptions = {}): ImageIndex {
  const { mediaType = MediaType.OciImageIndex } = options;
  const bytes = indexManifestBytes({ schemaVersion: 2, mediaType, manifests: [] });
  const nothing = () => {
    throw new NotFoundError("the empty index has no members");
  };
  return indexFrom({
    rawManifest: () => Promise.resolve(bytes),
    image: nothing,
    index: nothing,
    blob: nothing,
    mediaType,
    what: "the empty index",
  });
}
