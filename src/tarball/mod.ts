/**
 * Tarballs of images, as `docker save` writes and `docker load` reads them.
 *
 * {@linkcode imageFromTarball} returns an image whose layers stay in the tarball until they are
 * read; {@linkcode tarballContents} also reads an OCI image layout.
 * {@linkcode writeTarballFile} and {@linkcode writeTarball} write images into one, as Docker does now or, with the
 * format "legacy", as it did before version 1.10; {@linkcode writeOciArchiveFile} and {@linkcode writeOciArchive} write
 * images and indexes as an OCI image layout.
 *
 * @example
 * ```ts
 * import { emptyImage } from "@gcrane/gcrane/image";
 * import { imageFromTarball, tarballBytes, writeTarball } from "@gcrane/gcrane/tarball";
 *
 * const archive = writeTarball([{ image: emptyImage(), reference: "example.com/nothing:v1" }]);
 * const source = tarballBytes(await new Response(archive).blob());
 *
 * const image = await imageFromTarball(source, { tag: "example.com/nothing:v1" });
 * console.log(await image.configName() === await emptyImage().configName()); // true
 * ```
 *
 * @module
 */
export {
  imageFromTarball,
  type ImageFromTarballOptions,
  type LayoutBeside,
  loadManifest,
  type SavedImages,
  type SavedLayout,
  tarballContents,
  type TarballImage,
  tarballImages,
} from "./image.ts";
export type { TarballManifest } from "./manifest_file.ts";
export { SavedTarball } from "./saved_tarball.ts";
export {
  type ByteRange,
  type OpenTarball,
  tarballBytes,
  tarballFile,
  type TarballSource,
  tarballStream,
} from "./source.ts";
export {
  type OciArchiveEntry,
  type TarballEntry,
  type TarballFormat,
  type WriteArchiveOptions,
  writeOciArchive,
  writeOciArchiveFile,
  writeTarball,
  writeTarballFile,
  type WriteTarballFileOptions,
  type WriteTarballOptions,
} from "./write.ts";
