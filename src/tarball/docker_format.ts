import type { ManifestNode, Node } from "../graph/mod.ts";
import type { Image } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { type Descriptor, type Hash, hashHexDigits, isDistributable, MediaType } from "../spec/mod.ts";
import type { PlannedFile } from "./archive_sink.ts";
import { manifestFileBytes, type TarballManifest } from "./manifest_file.ts";

/**
 * The files of a tarball as Docker writes and reads it: for each image its config and its layers as they are stored, and
 * `manifest.json` at the end.
 */
export async function dockerFormat(nodes: readonly Node[], options: AbortOptions): Promise<readonly PlannedFile[]> {
  const images = await Promise.all(
    imagesOf(nodes).map(async ({ image, names }) => ({
      image,
      names,
      configName: await image.configName(options),
      layers: await image.layers(options),
    })),
  );
  const configs = new Set(images.map(({ configName }) => configName));
  const paths = new Map<Hash, string>();
  const files: PlannedFile[] = [];
  for (const node of nodes) {
    if (node.kind !== "blob") continue;
    const { digest, size } = node.descriptor!;
    const path = configs.has(digest) ? digest : layerPath(node.descriptor!);
    paths.set(digest, path);
    files.push({ path, size, content: digest });
  }
  const manifests: TarballManifest[] = [];
  for (const { names, configName, layers } of images) {
    const layerSources = new Map<Hash, Descriptor>();
    const layerPaths: string[] = [];
    for (const layer of layers) {
      const descriptor = await layer.descriptor(options);
      layerPaths.push(paths.get(descriptor.digest)!);
      if (!isDistributable(descriptor.mediaType)) layerSources.set(await layer.diffId(options), descriptor);
    }
    manifests.push({ config: configName, repoTags: names, layers: layerPaths, layerSources });
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
export function bytesFile(path: string, content: Uint8Array<ArrayBuffer>): PlannedFile {
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
