/** The media types of the OCI image-spec and of Docker's image manifest v2, by their usual names. */
export const MediaType = {
  /** OCI descriptor. */
  OciContentDescriptor: "application/vnd.oci.descriptor.v1+json",
  /** OCI image index. */
  OciImageIndex: "application/vnd.oci.image.index.v1+json",
  /** OCI image manifest. */
  OciManifest: "application/vnd.oci.image.manifest.v1+json",
  /** OCI image config. */
  OciConfig: "application/vnd.oci.image.config.v1+json",
  /** OCI artifact manifest, which was removed from the image-spec before its release. */
  OciArtifactManifest: "application/vnd.oci.artifact.manifest.v1+json",
  /** OCI empty descriptor, the two bytes `{}`. */
  OciEmpty: "application/vnd.oci.empty.v1+json",
  /** OCI layer, uncompressed tar. */
  OciLayer: "application/vnd.oci.image.layer.v1.tar",
  /** OCI layer, gzip. */
  OciLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  /** OCI layer, zstd. */
  OciLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  /** OCI layer that may not be pushed, uncompressed. */
  OciRestrictedLayer: "application/vnd.oci.image.layer.nondistributable.v1.tar",
  /** OCI layer that may not be pushed, gzip. */
  OciRestrictedLayerGzip: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  /** OCI layer that may not be pushed, zstd. */
  OciRestrictedLayerZstd: "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
  /** Docker schema 1 manifest. */
  DockerManifestSchema1: "application/vnd.docker.distribution.manifest.v1+json",
  /** Docker schema 1 manifest, signed. */
  DockerManifestSchema1Signed: "application/vnd.docker.distribution.manifest.v1+prettyjws",
  /** Docker schema 2 manifest. */
  DockerManifestSchema2: "application/vnd.docker.distribution.manifest.v2+json",
  /** Docker manifest list. */
  DockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  /** Docker layer, gzip. */
  DockerLayer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  /** Docker image config. */
  DockerConfigJson: "application/vnd.docker.container.image.v1+json",
  /** Docker plugin config. */
  DockerPluginConfig: "application/vnd.docker.plugin.v1+json",
  /** Docker layer that may not be pushed, gzip. */
  DockerForeignLayer: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  /** Docker layer, uncompressed tar. */
  DockerUncompressedLayer: "application/vnd.docker.image.rootfs.diff.tar",
  /** Docker layer, zstd. */
  DockerLayerZstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
} as const;

const INDEX = new Set<string>([MediaType.OciImageIndex, MediaType.DockerManifestList]);
const IMAGE = new Set<string>([MediaType.OciManifest, MediaType.DockerManifestSchema2]);
const SCHEMA1 = new Set<string>([MediaType.DockerManifestSchema1, MediaType.DockerManifestSchema1Signed]);
const CONFIG = new Set<string>([MediaType.OciConfig, MediaType.DockerConfigJson]);
const NON_DISTRIBUTABLE = new Set<string>([
  MediaType.DockerForeignLayer,
  MediaType.OciRestrictedLayer,
  MediaType.OciRestrictedLayerGzip,
  MediaType.OciRestrictedLayerZstd,
]);
const LAYER = new Set<string>([
  ...NON_DISTRIBUTABLE,
  MediaType.OciLayer,
  MediaType.OciLayerGzip,
  MediaType.OciLayerZstd,
  MediaType.DockerLayer,
  MediaType.DockerUncompressedLayer,
  MediaType.DockerLayerZstd,
]);

/** Returns whether it is an image index or a manifest list. */
export function isIndex(mediaType: string | undefined): boolean {
  return mediaType !== undefined && INDEX.has(mediaType);
}

/** Returns whether it is an image manifest. */
export function isImage(mediaType: string | undefined): boolean {
  return mediaType !== undefined && IMAGE.has(mediaType);
}

/** Returns whether it is one of Docker's schema 1 manifests, which do not list layers as descriptors. */
export function isSchema1(mediaType: string | undefined): boolean {
  return mediaType !== undefined && SCHEMA1.has(mediaType);
}

/** Returns whether it is a manifest that is neither an image nor an index: schema 1, or OCI's artifact manifest. */
export function isOtherManifest(mediaType: string | undefined): boolean {
  return isSchema1(mediaType) || mediaType === MediaType.OciArtifactManifest;
}

/** Returns whether it is the config of a runnable image, and not of an artifact. */
export function isConfig(mediaType: string | undefined): boolean {
  return mediaType !== undefined && CONFIG.has(mediaType);
}

/** Returns whether it is a layer of a file system. */
export function isLayer(mediaType: string | undefined): boolean {
  return mediaType !== undefined && LAYER.has(mediaType);
}

/** Returns whether a layer may be pushed (false for foreign and nondistributable layers). */
export function isDistributable(mediaType: string | undefined): boolean {
  return mediaType === undefined || !NON_DISTRIBUTABLE.has(mediaType);
}

/** The compression of a layer's bytes. */
export type Compression = "none" | "gzip" | "zstd";

/** Returns the layer media type for a compression, in the family (OCI or Docker) of a manifest media type. */
export function layerMediaType(manifestMediaType: string, compression: Compression): string {
  const docker = manifestMediaType === MediaType.DockerManifestSchema2;
  switch (compression) {
    case "gzip":
      return docker ? MediaType.DockerLayer : MediaType.OciLayerGzip;
    case "zstd":
      return docker ? MediaType.DockerLayerZstd : MediaType.OciLayerZstd;
    case "none":
      return docker ? MediaType.DockerUncompressedLayer : MediaType.OciLayer;
  }
}
