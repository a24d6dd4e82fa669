// Images and indexes in memory to be edited, which note what is read of them.

import { assert } from "@std/assert";
import type { Image, ImageIndex } from "../../src/image/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import {
  type ConfigFile,
  type Descriptor,
  type Hash,
  type IndexManifest,
  type Manifest,
  MediaType,
  parseConfigFile,
  parseIndexManifest,
  parseManifest,
  type Platform,
} from "../../src/spec/mod.ts";
import { configFileBytes, imageManifestBytes } from "../../src/spec/internal.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { type ImageParts, type Json, MemorySource, tarOf } from "../make/memory_source.ts";
import { utf8 } from "../make/bytes.ts";
import { collect } from "../make/streams.ts";

export const OCI: string = MediaType.OciManifest;
export const DOCKER: string = MediaType.DockerManifestSchema2;

/** An image of two layers, unless others are given, and its source. */
export async function baseImage(parts: Partial<ImageParts> = {}): Promise<{ source: MemorySource; base: Image }> {
  const source = new MemorySource();
  return { source, base: await imageIn(source, parts) };
}

/** The same in a source that is there. */
export async function imageIn(source: MemorySource, parts: Partial<ImageParts> = {}): Promise<Image> {
  const layers = parts.layers ?? [await tarOf({ a: "1" }), await tarOf({ b: "2" })];
  return source.image(typed(source, await source.addImage({ ...parts, layers })));
}

/** The descriptor with the media type that the manifest itself has. */
export function typed(source: MemorySource, descriptor: Descriptor): Descriptor {
  const { mediaType } = JSON.parse(new TextDecoder().decode(source.blobs.get(descriptor.digest)));
  return { ...descriptor, mediaType: mediaType ?? descriptor.mediaType };
}

/** Turns an OCI manifest with gzip layers into Docker's. */
export function asDocker(manifest: Json): void {
  manifest.mediaType = DOCKER;
  manifest.config.mediaType = MediaType.DockerConfigJson;
  for (const layer of manifest.layers) layer.mediaType = MediaType.DockerLayer;
}

/** Serialises JSON with line breaks, as other tools do. */
export function spaced(value: unknown): Bytes {
  return utf8(JSON.stringify(value, null, 3));
}

/** The manifest that an image would be sent with. */
export async function sentManifest(image: Image): Promise<Manifest> {
  return parseManifest(await image.rawManifest());
}

/** The digest that an image has when its manifest, and perhaps its config, is written as edits write them. */
export async function rewrittenDigest(image: Image, withConfig: boolean): Promise<Hash> {
  const before = await image.rawConfigFile();
  const config = withConfig ? configFileBytes(await sentConfig(image), before) : before;
  const manifest = await sentManifest(image);
  const descriptor = { ...manifest.config, digest: await digestBytes(config), size: config.length };
  return await digestBytes(imageManifestBytes({ ...manifest, config: descriptor }));
}

/** The config that an image would be sent with. */
export async function sentConfig(image: Image): Promise<ConfigFile> {
  return parseConfigFile(await collect(await (await image.configLayer()).compressed()));
}

/** The manifest that an index would be sent with. */
export async function sentIndex(index: ImageIndex): Promise<IndexManifest> {
  return parseIndexManifest(await index.rawManifest());
}

/** Creates a view that fails on every access except to its kind. */
export function unread<V extends Image | ImageIndex>(kind: V["kind"]): V {
  return new Proxy({ kind } as V, {
    get: (_, name) => (assert(name === "kind", `${String(name)} was read`), kind),
  });
}

export const AMD64: Platform = { architecture: "amd64", os: "linux" };
export const ARM64: Platform = { architecture: "arm64", os: "linux", variant: "v8" };
export const UNKNOWN: Platform = { architecture: "unknown", os: "unknown" };

/** An index of an image for each platform, an attestation of the first, and a nested index with one more image. */
export async function platformIndex(): Promise<{ source: MemorySource; index: ImageIndex }> {
  const source = new MemorySource();
  const add = async (name: string, platform: Platform, said: Partial<Descriptor> = {}) => ({
    ...await source.addImage({ layers: [await tarOf({ [name]: name })], platform }),
    platform,
    ...said,
  });
  const first = await add("amd64", AMD64, { annotations: { of: "the first" } });
  const second = await add("arm64", ARM64);
  const attestation = await add("attestation", UNKNOWN, {
    annotations: {
      "vnd.docker.reference.digest": first.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    },
  });
  const nested = await source.addIndex([await add("riscv64", { architecture: "riscv64", os: "linux" })]);
  const index = await source.addIndex([first, second, attestation, nested], (json) => {
    json.annotations = { kept: "yes" };
    json.ownField = 1;
  });
  return { source, index: source.index(index) };
}
