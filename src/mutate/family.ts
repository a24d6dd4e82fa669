import { type Compression, layerMediaType, MediaType } from "../spec/mod.ts";

const COMPRESSIONS: readonly Compression[] = ["none", "gzip", "zstd"];
const FAMILIES = [MediaType.OciManifest, MediaType.DockerManifestSchema2] as const;

/** What there is in both families, as OCI and as Docker call it. */
const COUNTERPARTS: readonly (readonly string[])[] = [
  [MediaType.OciConfig, MediaType.DockerConfigJson],
  [MediaType.OciRestrictedLayerGzip, MediaType.DockerForeignLayer],
  ...COMPRESSIONS.map((compression) => FAMILIES.map((family) => layerMediaType(family, compression))),
];

/**
 * The media type of a config or a layer in the family, Docker or OCI, of a manifest's media type. What has no
 * counterpart there, and what is no part of an image to run, stays as it is.
 */
export function inFamily(mediaType: string, manifestMediaType: string): string {
  const family = manifestMediaType === MediaType.DockerManifestSchema2 ? 1 : 0;
  return COUNTERPARTS.find((names) => names.includes(mediaType))?.[family] ?? mediaType;
}

/** How a layer is compressed, by its media type; `undefined` for other blobs and for layers that may not be pushed. */
export function compressionOf(mediaType: string): Compression | undefined {
  return COMPRESSIONS.find((compression) =>
    FAMILIES.some((family) => layerMediaType(family, compression) === mediaType)
  );
}

/** The media type of the same layer, in the same family, when it is compressed in another way. */
export function compressedAs(mediaType: string, compression: Compression): string {
  const docker = inFamily(mediaType, MediaType.DockerManifestSchema2) === mediaType;
  return layerMediaType(docker ? MediaType.DockerManifestSchema2 : MediaType.OciManifest, compression);
}
