import { GcraneError, TarballError } from "../errors.ts";
import { otherManifest } from "../graph/internal.ts";
import {
  type CompressedLayerCore,
  type Image,
  imageFromCompressed,
  type ImageIndex,
  indexFrom,
  layerFromCompressed,
} from "../image/mod.ts";
import { type AbortOptions, lazy, verifyBytes } from "../io/mod.ts";
import { parseJsonObject } from "../spec/internal.ts";
import { type Descriptor, hashAlgorithm, hashHexDigits, MediaType } from "../spec/mod.ts";
import type { Archive } from "./archive.ts";

const MARKER = "oci-layout";
const INDEX = "index.json";

/** Whether an archive is an OCI image layout, as `podman save --format oci-archive` and skopeo write them. */
export function isOciArchive(archive: Archive): boolean {
  return archive.has(MARKER) && archive.has(INDEX);
}

/**
 * The `index.json` of an OCI image layout in a tar archive (image-spec, "Image Layout").
 *
 * @throws {TarballError} when it is of a version that is not understood.
 */
export async function ociArchiveIndex(archive: Archive, options: AbortOptions = {}): Promise<ImageIndex> {
  await checkVersion(archive, options);
  return indexFrom({
    ...members(archive),
    rawManifest: lazy(() => archive.bytes(archive.file(INDEX))),
    mediaType: MediaType.OciImageIndex,
    what: `${INDEX} in ${archive.name}`,
  });
}

async function checkVersion(archive: Archive, options: AbortOptions): Promise<void> {
  const what = `${MARKER} in ${archive.name}`;
  const bytes = await archive.bytes(archive.file(MARKER), options);
  let version: unknown;
  try {
    version = parseJsonObject(bytes, what).imageLayoutVersion;
  } catch (cause) {
    if (cause instanceof GcraneError) throw new TarballError(cause.message, { cause });
    throw cause;
  }
  if (typeof version === "string" && version.startsWith("1.")) return;
  throw new TarballError(`${what} is of version ${JSON.stringify(version)}, which is not 1`);
}

function members(archive: Archive) {
  return {
    image: (descriptor: Descriptor) => imageOf(archive, descriptor),
    index: (descriptor: Descriptor) => indexFrom({ ...members(archive), ...manifest(archive, descriptor) }),
    blob: (descriptor: Descriptor) => layerFromCompressed({ descriptor, ...blob(archive, descriptor) }),
    manifest: (descriptor: Descriptor) =>
      otherManifest({ ...manifest(archive, descriptor), blob: (descriptor) => blob(archive, descriptor) }),
  };
}

function imageOf(archive: Archive, descriptor: Descriptor): Image {
  return imageFromCompressed({
    ...manifest(archive, descriptor),
    blob: (descriptor) => blob(archive, descriptor),
  });
}

function manifest(archive: Archive, descriptor: Descriptor) {
  const what = `${archive.name}@${descriptor.digest}`;
  const bytes = async () => await verifyBytes(await archive.bytes(archive.file(pathOf(descriptor))), descriptor, what);
  return { rawManifest: lazy(bytes), mediaType: descriptor.mediaType, descriptor, what };
}

/** How a view opens a blob: it verifies the bytes itself. A blob that is missing fails when it is read. */
function blob(archive: Archive, descriptor: Descriptor): Omit<CompressedLayerCore, "descriptor"> {
  const path = pathOf(descriptor);
  const file = archive.find(path);
  return {
    compressed: async (options) => await archive.open(archive.file(path), options),
    ranges: true,
    place: file?.size === descriptor.size ? archive.placeOf(file) : undefined,
    what: `${path} in ${archive.name}`,
  };
}

/** Whether an archive holds a manifest or a blob of its layout. */
export function holdsBlob(archive: Archive, descriptor: Descriptor): boolean {
  return archive.find(pathOf(descriptor))?.size === descriptor.size;
}

function pathOf({ digest }: Descriptor): string {
  return `blobs/${hashAlgorithm(digest)}/${hashHexDigits(digest)}`;
}
