import { otherManifest } from "../graph/internal.ts";
import {
  type CompressedLayerCore,
  type Image,
  imageFromCompressed,
  type ImageIndex,
  indexFrom,
  type Layer,
  layerFromCompressed,
} from "../image/mod.ts";
import { lazy } from "../io/mod.ts";
import { type Descriptor, MediaType } from "../spec/mod.ts";
import type { BlobFiles } from "./blob_files.ts";
import { readIndexFile } from "./index_file.ts";

/** The path of a layout, and its blobs. */
export interface LayoutLocation {
  /** The path of the layout. */
  readonly path: string;
  /** Its blobs. */
  readonly blobs: BlobFiles;
}

/** Returns the index in a layout's `index.json`, as it is when the view is first read. */
export function rootIndex(place: LayoutLocation): ImageIndex {
  return indexFrom({
    ...members(place),
    rawManifest: lazy(() => readIndexFile(place.path)),
    mediaType: MediaType.OciImageIndex,
    what: `the layout ${place.path}`,
  });
}

function indexOf(place: LayoutLocation, descriptor: Descriptor): ImageIndex {
  return indexFrom({ ...members(place), ...manifest(place, descriptor) });
}

function imageOf(place: LayoutLocation, descriptor: Descriptor): Image {
  return imageFromCompressed({
    ...manifest(place, descriptor),
    blob: (blob) => stored(place, blob),
  });
}

function blobOf(place: LayoutLocation, descriptor: Descriptor): Layer {
  return layerFromCompressed({ descriptor, ...stored(place, descriptor) });
}

function members(place: LayoutLocation) {
  return {
    image: (descriptor: Descriptor) => imageOf(place, descriptor),
    index: (descriptor: Descriptor) => indexOf(place, descriptor),
    blob: (descriptor: Descriptor) => blobOf(place, descriptor),
    manifest: (descriptor: Descriptor) =>
      otherManifest({ ...manifest(place, descriptor), blob: (blob) => stored(place, blob) }),
  };
}

function manifest(place: LayoutLocation, descriptor: Descriptor) {
  const { digest, size, mediaType } = descriptor;
  return {
    rawManifest: lazy(() => place.blobs.bytes({ digest, size })),
    mediaType,
    descriptor,
    what: `${place.path}@${digest}`,
  };
}

/** Returns the core of a blob without verification, as the view verifies the bytes. */
function stored({ blobs }: LayoutLocation, { digest, size }: Descriptor): Omit<CompressedLayerCore, "descriptor"> {
  return {
    compressed: (options) => blobs.openUnverified(digest, options),
    ranges: true,
    place: { kind: "file", open: () => blobs.openFile(digest), offset: 0, length: size },
    what: `blob ${blobs.pathOf(digest)}`,
  };
}
