import { ManifestError } from "../errors.ts";
import type { Descriptor } from "./descriptor.ts";
import { type Hash, isHash } from "./hash.ts";
import { goFields, goNames } from "./go_fields.ts";
import { parseJsonObject } from "./json.ts";
import { isImage, isIndex, MediaType } from "./media_type.ts";

/** An image manifest (image-spec, "OCI Image Manifest"; Docker's schema 2 has the same shape). */
export interface Manifest {
  /** Always 2. */
  readonly schemaVersion: number;
  /** The media type of the manifest itself. */
  readonly mediaType?: string;
  /** The type of the artifact, when it is not an image to run. */
  readonly artifactType?: string;
  /** The config. */
  readonly config: Descriptor;
  /** The layers, the bottom one first. */
  readonly layers: readonly Descriptor[];
  /** The manifest that this one refers to. */
  readonly subject?: Descriptor;
  /** Arbitrary metadata. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An image index (image-spec, "OCI Image Index"; Docker's manifest list has the same shape). */
export interface IndexManifest {
  /** Always 2. */
  readonly schemaVersion: number;
  /** The media type of the index itself. */
  readonly mediaType?: string;
  /** The type of the artifact, when it is not an image to run. */
  readonly artifactType?: string;
  /** The manifests, with their platforms. */
  readonly manifests: readonly Descriptor[];
  /** The manifest that this one refers to. */
  readonly subject?: Descriptor;
  /** Arbitrary metadata. */
  readonly annotations?: Readonly<Record<string, string>>;
}

const MANIFEST = goNames(
  "annotations artifactType blobs config fsLayers layers manifests mediaType schemaVersion signatures subject",
);
const DESCRIPTOR = goNames("annotations artifactType blobSum data digest mediaType platform size urls");
const PLATFORM = goNames("architecture features os os.features os.version variant");
/** The fields of a manifest that are a descriptor or a list of them. */
const DESCRIPTORS = ["blobs", "config", "fsLayers", "layers", "manifests", "subject"];

/** Gives the known fields of a manifest, at all its levels, their proper names; a value that is no object has none. */
export function properManifest(value: unknown): Record<string, unknown> {
  const manifest = Object(goFields(value, MANIFEST)) as Record<string, unknown>;
  for (const name of DESCRIPTORS) {
    const own = manifest[name];
    if (own !== undefined) manifest[name] = Array.isArray(own) ? own.map(properDescriptor) : properDescriptor(own);
  }
  return manifest;
}

function properDescriptor(value: unknown): unknown {
  const descriptor = goFields(value, DESCRIPTOR) as { platform?: unknown } | null | undefined;
  return descriptor?.platform ? { ...descriptor, platform: goFields(descriptor.platform, PLATFORM) } : descriptor;
}

/**
 * Parses a manifest of any type. A known field may be written in another case, as Go's programs read it; it gets its
 * proper name.
 *
 * @param what the name of the manifest in an error
 * @throws {ManifestError} if it is not a JSON object.
 */
export function manifestFields(bytes: Uint8Array, what: string): Record<string, unknown> {
  return properManifest(parseJsonObject(bytes, what));
}

/**
 * Parses an image manifest.
 *
 * @param what the name of the manifest in an error: a reference or a digest
 * @throws {ManifestError} if it is not JSON, is an index, or its config or a layer is not a descriptor.
 */
export function parseManifest(bytes: Uint8Array, what = "manifest"): Manifest {
  const value = manifestFields(bytes, what);
  if (isIndex(value.mediaType as string | undefined) || (value.manifests && !value.layers)) {
    throw new ManifestError(`${what} is an index where an image manifest was expected`, {
      hint: "choose one of its images with --platform",
    });
  }
  const { config } = value;
  const layers = value.layers ?? [];
  if (!isDescriptor(config)) throw new ManifestError(`${what}: config is not a descriptor`);
  checkDescriptors(layers, `${what}: layers`);
  checkSubject(value.subject, what);
  return { ...value, schemaVersion: schemaVersion(value), config, layers: layers as Descriptor[] };
}

/**
 * Parses an image index.
 *
 * @param what the name of the index in an error: a reference or a digest
 * @throws {ManifestError} if it is not JSON, is an image manifest, or a member is not a descriptor.
 */
export function parseIndexManifest(bytes: Uint8Array, what = "index"): IndexManifest {
  const value = manifestFields(bytes, what);
  if (isImage(value.mediaType as string | undefined) || (value.layers && !value.manifests)) {
    throw new ManifestError(`${what} is an image manifest where an index was expected`);
  }
  const manifests = value.manifests ?? [];
  checkDescriptors(manifests, `${what}: manifests`);
  checkSubject(value.subject, what);
  return { ...value, schemaVersion: schemaVersion(value), manifests: manifests as Descriptor[] };
}

/**
 * Returns the media type of a manifest from its bytes: its `mediaType` field, or the type that its fields imply.
 *
 * @throws {ManifestError} if the bytes are not JSON or do not look like a manifest.
 */
export function manifestMediaType(bytes: Uint8Array, what = "manifest"): string {
  const value = manifestFields(bytes, what);
  if (typeof value.mediaType === "string" && value.mediaType !== "") return value.mediaType;
  if (Array.isArray(value.manifests)) return MediaType.OciImageIndex;
  if (Array.isArray(value.layers) || value.config) return MediaType.OciManifest;
  if (value.schemaVersion === 1) {
    return value.signatures ? MediaType.DockerManifestSchema1Signed : MediaType.DockerManifestSchema1;
  }
  throw new ManifestError(`${what} is not a manifest: it has no mediaType, layers or manifests`);
}

/** Returns the kind of view for a media type: an image, an index, or neither (an unknown type, schema 1). */
export function manifestKind(mediaType: string): "image" | "index" | "other" {
  if (isIndex(mediaType)) return "index";
  if (isImage(mediaType)) return "image";
  return "other";
}

/** Returns whether a value has what every descriptor needs: a digest of a supported algorithm, a size, a media type. */
export function isDescriptor(value: unknown): value is Descriptor {
  if (typeof value !== "object" || value === null) return false;
  const { mediaType, digest, size } = value as Record<string, unknown>;
  return isHash(digest) && Number.isSafeInteger(size) && (size as number) >= 0 &&
    (mediaType === undefined || typeof mediaType === "string");
}

/** Returns the descriptors of a list without those that repeat a digest, in order. */
export function distinctDescriptors(descriptors: readonly Descriptor[]): Descriptor[] {
  const seen = new Map<Hash, Descriptor>();
  for (const descriptor of descriptors) if (!seen.has(descriptor.digest)) seen.set(descriptor.digest, descriptor);
  return [...seen.values()];
}

function schemaVersion(value: Record<string, unknown>): number {
  return typeof value.schemaVersion === "number" ? value.schemaVersion : 2;
}

function checkDescriptors(list: unknown, what: string): void {
  if (!Array.isArray(list)) throw new ManifestError(`${what} is not a list`);
  const wrong = list.findIndex((item) => !isDescriptor(item));
  if (wrong >= 0) {
    throw new ManifestError(`${what}[${wrong}] is not a descriptor with a digest and a size`);
  }
}

function checkSubject(subject: unknown, what: string): void {
  if (subject !== undefined && subject !== null && !isDescriptor(subject)) {
    throw new ManifestError(`${what}: subject is not a descriptor`);
  }
}
