/**
 * Immutable, lazy views of images, indexes and layers, backed by anything.
 *
 * Every source (a registry, a tarball, an OCI layout, memory) gives an {@linkcode Image}, an {@linkcode ImageIndex} or
 * a {@linkcode Layer}; every sink takes one. A view does no I/O until it is read. Your own source needs only a
 * small core: {@linkcode imageFromCompressed}, {@linkcode imageFromUncompressed}, {@linkcode indexFrom},
 * {@linkcode layerFromCompressed} and {@linkcode layerFromUncompressed} derive the rest.
 *
 * Layers are made of bytes, files, directories and streams, and stored according to {@linkcode PackOptions}: as gzip,
 * zstd or eStargz, and with the same digest on every runtime if they are to be reproducible.
 *
 * @example
 * ```ts
 * import { emptyImage, layerFromBytes } from "@gcrane/gcrane/image";
 *
 * const layer = await layerFromBytes(new Uint8Array(1024)); // the smallest tar
 * console.log(await layer.diffId());
 * console.log((await emptyImage().manifest()).layers.length); // 0
 * ```
 *
 * @module
 */
export type { Image, ImageIndex, IndexChild, Layer, ManifestView, OtherManifest } from "./view.ts";
export { type BlobIdentity, type BlobOrigin, type Content, type OpenContentOptions, type Place } from "./content.ts";
export {
  type CompressedLayerCore,
  layerFromCompressed,
  layerFromUncompressed,
  type UncompressedLayerCore,
} from "./layer_core.ts";
export type {
  FileKind,
  FileRange,
  FileStat,
  FileStreamOptions,
  HashAlgorithm,
  HashedRange,
  HashRange,
  OpenFile,
} from "../runtime/mod.ts";
export type { PackOptions } from "./pack.ts";
export { type EstargzLayerOptions } from "./estargz.ts";
export { type ImageCore, imageFromCompressed, imageFromUncompressed, type ImageParts } from "./image_core.ts";
export { type IndexCore, indexFrom } from "./index_core.ts";
export {
  layerFromBytes,
  layerFromOpener,
  type LayerFromOpenerOptions,
  type LayerOptions,
  staticLayer,
  streamLayer,
} from "./layer_sources.ts";
export { emptyImage, type EmptyImageOptions, emptyIndex, type EmptyOptions } from "./empty.ts";
export { type ProgressEvent, type ProgressListener } from "./progress.ts";
export {
  randomImage,
  type RandomImageOptions,
  randomIndex,
  type RandomIndexOptions,
  randomLayer,
  type RandomLayerOptions,
} from "./random.ts";
export {
  findImages,
  findIndexes,
  findManifests,
  matchAnnotation,
  matchDigests,
  type Matcher,
  matchMediaTypes,
  matchName,
  matchPlatforms,
  selectImage,
} from "./match.ts";
export { validateImage, validateIndex, validateLayer, type ValidateOptions } from "./validate.ts";
export { digestBytes, digestStream, uncompressedSize } from "./measure.ts";
export { compareImages, compareIndexes, compareLayers, type Difference } from "./compare.ts";
export type { SpooledContent } from "./spool.ts";
export { type DirectoryLayerOptions, layerFromDirectory, tarDirectory, type TarDirectoryOptions } from "./directory.ts";
