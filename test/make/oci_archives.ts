// OCI image layouts in tar archives, made by hand.

import type { Image, ImageIndex } from "../../src/image/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { type TarWriteEntry, writeTar } from "../../src/tar/mod.ts";
import { collect } from "./streams.ts";

/** What to write differently. */
export interface OciArchiveOptions {
  /** The `oci-layout` file. */
  marker?: Bytes;
  /** The `index.json` file. */
  index?: Bytes;
  /** Changes the blobs. */
  change?: (blobs: Map<Hash, Bytes>) => void;
}

/** The bytes of a layout in a tar archive that lists an image or an index. */
export async function ociArchive(view: Image | ImageIndex, options: OciArchiveOptions = {}): Promise<Bytes> {
  const blobs = new Map<Hash, Bytes>();
  await gather(view, blobs);
  options.change?.(blobs);
  const { mediaType, digest, size } = await view.descriptor();
  const listed: Descriptor = {
    mediaType,
    digest,
    size,
    annotations: { "org.opencontainers.image.ref.name": "example.com/a:v1" },
  };
  const index = { schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests: [listed] };
  const entries: TarWriteEntry[] = [
    { path: "blobs/", type: "directory" },
    ...[...blobs].map(([digest, content]) => ({ path: `blobs/${digest.replace(":", "/")}`, content })),
    { path: "index.json", content: options.index ?? jsonBytes(index) },
    { path: "oci-layout", content: options.marker ?? jsonBytes({ imageLayoutVersion: "1.0.0" }) },
  ];
  return await collect(writeTar(entries));
}

async function gather(view: Image | ImageIndex, blobs: Map<Hash, Bytes>): Promise<void> {
  blobs.set(await view.digest(), await view.rawManifest());
  if (view.kind === "index") {
    for (const child of await view.children()) {
      if (child.view.kind === "image" || child.view.kind === "index") await gather(child.view, blobs);
    }
    return;
  }
  blobs.set(await view.configName(), await view.rawConfigFile());
  for (const layer of await view.layers()) blobs.set(await layer.digest(), await collect(await layer.compressed()));
}
