import type { ManifestNode, Node } from "../graph/mod.ts";
import type { Image } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { type Descriptor, type Hash, hashHexDigits, isDistributable, MediaType } from "../spec/mod.ts";
import type { PlannedFile } from "./archive_sink.ts";
import { manifestFileBytes, type TarballManifest } from "./manifest_file.ts";

/**
 * The files of a tarball as Docker writes and reads it: for each image its config and its layers as they are stored,
 * and `manifest.json` at the end.
 */
export async function dockerFormat(nodes: readonly Node[], options: AbortOptions): Promise<readonly PlannedFile[]> {
  const files: PlannedFile[] = [];
  const manifests: TarballManifest[] = [];
  for (const { image, names } of imagesOf(nodes)) {
    const config = await (await image.configLayer(options)).descriptor(options);
    files.push({ path: config.digest, size: config.size, content: config.digest });
    const layers: string[] = [];
    const layerSources = new Map<Hash, Descriptor>();
    for (const layer of await image.layers(options)) {
      const descriptor = await layer.descriptor(options);
      const path = layerPath(descriptor);
      layers.push(path);
      files.push({ path, size: descriptor.size, content: descriptor.digest });
      if (!isDistributable(descriptor.mediaType)) layerSources.set(await layer.diffId(options), descriptor);
    }
    manifests.push({ config: config.digest, repoTags: names, layers, layerSources });
  }
  return [...files, bytesFile("manifest.json", manifestFileBytes(manifests))];
}

/** The images among nodes, with their names. @throws {TypeError} for anything else: these formats hold images alone. */
export function imagesOf(nodes: readonly Node[]): { readonly image: Image; readonly names: readonly string[] }[] {
  return nodes.filter((node): node is ManifestNode => node.kind === "manifest").map(({ view, names }) => {
    if (view.kind === "image") return { image: view, names };
    throw new TypeError(`a tarball of this format holds images, and no ${view.kind}`);
  });
}

/** A file whose content is there already. */
export function bytesFile(path: string, content: Bytes): PlannedFile {
  return { path, size: content.length, content };
}

/** Named by the digest without its algorithm: GNU tar takes a colon for the name of a host. */
function layerPath({ digest, mediaType }: Descriptor): string {
  return hashHexDigits(digest) + extensionOf(mediaType);
}

/** What `gunzip` and the like expect. */
function extensionOf(mediaType: string): string {
  switch (mediaType) {
    case MediaType.OciLayerZstd:
    case MediaType.OciRestrictedLayerZstd:
    case MediaType.DockerLayerZstd:
      return ".tar.zst";
    case MediaType.OciLayer:
    case MediaType.OciRestrictedLayer:
    case MediaType.DockerUncompressedLayer:
      return ".tar";
    default:
      return ".tar.gz";
  }
}
