import { DigestMismatchError } from "../errors.ts";
import { type Descriptor, type Hash, hashHexDigits, isDistributable, MediaType } from "../spec/mod.ts";
import type { ReadyLayer } from "./layer_spool.ts";
import { manifestFileBytes, type TarballManifest } from "./manifest_file.ts";
import type { FormatContext, NamedImage } from "./named_image.ts";
import type { PlannedFiles } from "./planned_file.ts";

/**
 * The files of a tarball as Docker writes and reads it: for each image its config and its layers as they are stored, and
 * `manifest.json` at the end.
 */
export async function dockerFiles(images: readonly NamedImage[], context: FormatContext): Promise<void> {
  const { files, spool, signal } = context;
  const ready: (NamedImage & { readonly layers: readonly ReadyLayer[] })[] = [];
  for (const named of images) ready.push({ ...named, layers: await spool.layersOf(named.image, { signal }) });
  const manifests: TarballManifest[] = [];
  for (const { image, layers, repoTags } of ready) {
    const configName = await image.configName({ signal });
    const label = `config ${hashHexDigits(configName).slice(0, 12)}`;
    files.addBytes(configName, await image.rawConfigFile({ signal }), label);
    const layerSources = new Map<Hash, Descriptor>();
    for (const layer of layers) {
      addLayer(files, layer);
      const { descriptor } = layer;
      if (!isDistributable(descriptor.mediaType)) layerSources.set(await layer.layer.diffId({ signal }), descriptor);
    }
    const paths = layers.map(({ descriptor }) => layerPath(descriptor));
    manifests.push({ config: configName, repoTags, layers: paths, layerSources });
  }
  files.addBytes("manifest.json", manifestFileBytes(manifests));
}

function addLayer(files: PlannedFiles, { layer, descriptor }: ReadyLayer): void {
  const { digest, size } = descriptor;
  files.add({
    path: layerPath(descriptor),
    size,
    id: digest,
    label: `layer ${hashHexDigits(digest).slice(0, 12)}`,
    open: (options) => layer.compressed(options),
    async confirm() {
      // A layer verifies itself; one that is made again on each reading might have become another.
      const actual = await layer.digest();
      if (actual === digest) return;
      throw new DigestMismatchError(`a layer has the digest ${actual} where ${digest} was promised`);
    },
  });
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
