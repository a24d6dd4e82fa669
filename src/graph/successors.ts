import { ManifestError } from "../errors.ts";
import type { Bytes } from "../runtime/mod.ts";
import { isDescriptor, manifestFields, parseJson } from "../spec/internal.ts";
import {
  type Descriptor,
  type Hash,
  isHash,
  isSchema1,
  manifestKind,
  MediaType,
  parseIndexManifest,
  parseManifest,
} from "../spec/mod.ts";

/** A digest at any position in a text. */
const DIGEST = /sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}/g;

/** A blob that a manifest names. Schema 1 gives only its digest. */
export type NamedBlob = Partial<Descriptor> & { readonly digest: Hash };

/** The content that a manifest refers to. */
export interface Successors {
  /** The kind of the manifest. `unknown` is JSON of another type, whose fields are used if they are descriptors. */
  readonly kind: "image" | "index" | "artifact" | "schema1" | "unknown";
  /** The config of an image. */
  readonly config?: Descriptor;
  /** The layers of an image, the blobs of an artifact, or the layers of schema 1 (repeats kept), in order. */
  readonly blobs: readonly NamedBlob[];
  /** The members of an index, in order. */
  readonly members: readonly Descriptor[];
  /** The manifest that this one refers to. */
  readonly subject?: Descriptor;
}

/**
 * Reads the references of a manifest. Does no I/O and goes one level deep.
 *
 * @param what the name of the manifest in an error
 * @throws {ManifestError} if the bytes are not the JSON that their media type requires; an unreadable manifest never
 * gives an empty result.
 */
export function successors(manifest: Bytes, mediaType: string, what = "manifest"): Successors {
  switch (manifestKind(mediaType)) {
    case "image": {
      const { config, layers, subject } = parseManifest(manifest, what);
      return { kind: "image", config, blobs: layers, members: [], ...subjectOf(subject) };
    }
    case "index": {
      const { manifests, subject } = parseIndexManifest(manifest, what);
      return { kind: "index", blobs: [], members: manifests, ...subjectOf(subject) };
    }
    case "other":
      return otherSuccessors(manifestFields(manifest, what), mediaType, what);
  }
}

/**
 * Collects every digest that a manifest of any type mentions: in known and unknown fields, in keys, and within texts.
 * Code that deletes content must keep all of them, and not only the successors.
 *
 * @param what the name of the manifest in an error
 * @throws {ManifestError} if the bytes are not JSON or nested deeper than 1,000 levels, as the mentioned digests are
 * unknown then.
 */
export function mentionedDigests(manifest: Bytes, what: string = "the manifest"): ReadonlySet<Hash> {
  const value = parseJson(manifest, what);
  // The bytes contain duplicate members, of which a parser keeps one; the serialised value contains no escapes.
  const texts = [new TextDecoder().decode(manifest), JSON.stringify(value)];
  return new Set(texts.flatMap((text) => text.match(DIGEST) ?? []) as Hash[]);
}

function otherSuccessors(value: Record<string, unknown>, mediaType: string, what: string): Successors {
  if (isSchema1(mediaType)) return { kind: "schema1", blobs: schema1Layers(value.fsLayers, what), members: [] };
  const isArtifact = mediaType === MediaType.OciArtifactManifest;
  return {
    kind: isArtifact ? "artifact" : "unknown",
    ...(isDescriptor(value.config) && { config: value.config }),
    blobs: isArtifact ? descriptors(value.blobs ?? [], `${what}: blobs`) : descriptorsAmong(value.layers, value.blobs),
    members: descriptorsAmong(value.manifests),
    ...subjectOf(value.subject),
  };
}

function schema1Layers(layers: unknown, what: string): NamedBlob[] {
  if (!Array.isArray(layers)) throw new ManifestError(`${what}: fsLayers is not a list`);
  return layers.map((layer, index) => {
    const digest = layer?.blobSum;
    if (isHash(digest)) return { digest };
    throw new ManifestError(`${what}: fsLayers[${index}] has no digest`);
  });
}

function descriptors(list: unknown, what: string): Descriptor[] {
  if (!Array.isArray(list)) throw new ManifestError(`${what} is not a list`);
  const wrong = list.findIndex((item) => !isDescriptor(item));
  if (wrong >= 0) throw new ManifestError(`${what}[${wrong}] is not a descriptor with a digest and a size`);
  return list;
}

function descriptorsAmong(...lists: unknown[]): Descriptor[] {
  return lists.flatMap((list) => Array.isArray(list) ? list : []).filter(isDescriptor);
}

function subjectOf(subject: unknown): { subject?: Descriptor } {
  return isDescriptor(subject) ? { subject } : {};
}
