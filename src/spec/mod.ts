/**
 * The plain data of the OCI image-spec: digests, media types, platforms, descriptors, manifests, indexes, configs.
 *
 * Parsing checks the shape and keeps unknown fields. The module does no I/O and computes no digest.
 *
 * @example
 * ```ts
 * import { parsePlatform, platformSatisfies } from "@gcrane/gcrane/spec";
 *
 * const image = parsePlatform("linux/arm64/v8");
 * console.log(platformSatisfies(image, parsePlatform("linux/arm64"))); // true
 * ```
 *
 * @module
 */
export { type Algorithm, type Hash, hashAlgorithm, hashHexDigits, isHash, parseHash } from "./hash.ts";
export {
  type Compression,
  isConfig,
  isDistributable,
  isImage,
  isIndex,
  isLayer,
  isSchema1,
  layerMediaType,
  MediaType,
} from "./media_type.ts";
export {
  DEFAULT_PLATFORM,
  parsePlatform,
  type Platform,
  platformEquals,
  platformSatisfies,
  platformString,
} from "./platform.ts";
export type { Descriptor } from "./descriptor.ts";
export {
  type ConfigFile,
  configPlatform,
  type History,
  parseConfigFile,
  type RootFs,
  type RunConfig,
} from "./config_file.ts";
export {
  type IndexManifest,
  type Manifest,
  manifestKind,
  manifestMediaType,
  parseIndexManifest,
  parseManifest,
} from "./manifest.ts";
