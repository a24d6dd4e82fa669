// An OCI layout in which every digest is a sha512.

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bytes } from "../../src/runtime/mod.ts";
import { gzipBytes } from "../../src/runtime/mod.ts";
import { createLayout, type Layout } from "../../src/layout/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { writeTar } from "../../src/tar/mod.ts";
import { utf8 } from "./bytes.ts";
import { collect } from "./streams.ts";

/** A layout with an index of one image, and what the parts are. */
export interface Sha512Layout {
  readonly layout: Layout;
  readonly index: Descriptor;
  readonly image: Descriptor;
  readonly layer: Descriptor;
  readonly diffId: Hash;
}

/** The sha512 of bytes. */
export function sha512(bytes: Bytes): Hash {
  return `sha512:${createHash("sha512").update(bytes).digest("hex")}`;
}

/** Makes the layout in a folder. */
export async function sha512Layout(folder: string): Promise<Sha512Layout> {
  const layout = await createLayout(folder);
  mkdirSync(join(folder, "blobs/sha512"), { recursive: true });
  const put = (mediaType: string, bytes: Bytes): Descriptor => {
    const digest = sha512(bytes);
    writeFileSync(join(folder, "blobs", digest.replace(":", "/")), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const tar = await collect(writeTar([{ path: "a", content: utf8("hello") }]));
  const diffId = sha512(tar);
  const platform = { os: "linux", architecture: "amd64" };
  const layer = put(MediaType.OciLayerGzip, await gzipBytes(tar));
  const rootfs = { type: "layers", diff_ids: [diffId] };
  const config = put(MediaType.OciConfig, jsonBytes({ ...platform, config: {}, rootfs }));
  const [mediaType, listType] = [MediaType.OciManifest, MediaType.OciImageIndex];
  const image = put(mediaType, jsonBytes({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  const manifests = [{ ...image, platform }];
  const index = put(listType, jsonBytes({ schemaVersion: 2, mediaType: listType, manifests }));
  await layout.appendDescriptor(index);
  return { layout, index, image, layer, diffId };
}
