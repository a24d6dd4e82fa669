import type { Image, ImageIndex, Layer } from "../image/mod.ts";
import { MediaType } from "../spec/mod.ts";
import { changeImage } from "./change_image.ts";
import { editIndex } from "./edit_index.ts";
import { compressionOf } from "./family.ts";

/** Returns whether one of the layers is compressed with zstd. */
export async function holdsZstd(layers: readonly Layer[]): Promise<boolean> {
  const types = await Promise.all(layers.map((layer) => layer.mediaType()));
  return types.some((type) => compressionOf(type) === "zstd");
}

/**
 * Gives an image of Docker's media types OCI's: Docker's types have none for zstd that all engines read. Returns any
 * other image unchanged.
 *
 * @param onConverted called if the image changes
 */
export async function ociForZstd(image: Image, onConverted?: () => void): Promise<Image> {
  if (await image.mediaType() !== MediaType.DockerManifestSchema2) return image;
  onConverted?.();
  return changeImage(image, { mediaType: MediaType.OciManifest });
}

/** Gives an index OCI's media type, for images that have OCI's. */
export function ociIndex(index: ImageIndex): ImageIndex {
  return editIndex(index, { mediaType: MediaType.OciImageIndex });
}
