import { ManifestError } from "../src/errors.ts";
import type { RemoteManifest } from "../src/remote/mod.ts";
import {
  type Descriptor,
  type Hash,
  isConfig,
  isDescriptor,
  isLayer,
  manifestKind,
  mentionedDigests,
  parseIndexManifest,
  parseJsonObject,
  parseManifest,
} from "../src/spec/mod.ts";
import type { GcBlob, GcManifest } from "./gc_graph.ts";

/** What a manifest itself says, whoever points at it and whenever it was uploaded. */
export interface GcFacts extends Omit<GcManifest, "tags" | "uploaded"> {
  /** Those of its members that are images or indexes by their type: without one of them it is not whole. */
  readonly needed: readonly Hash[];
}

/**
 * Reads what a manifest leads to. Members of an index that can be nothing but blobs count as such.
 *
 * @param intern gives the one object that stands for a blob, which many manifests may name
 * @throws {ManifestError} when it can't be understood: nobody knows then what it keeps.
 */
export function gcFacts(manifest: RemoteManifest, intern: (blob: GcBlob) => GcBlob): GcFacts {
  const { bytes, reference, descriptor: { digest, mediaType, size } } = manifest;
  const what = `manifest ${reference}`;
  const kind = manifestKind(mediaType);
  if (kind === "index") parseIndexManifest(bytes, what);
  if (kind === "image") parseManifest(bytes, what);
  const value = parseJsonObject(bytes, what);
  const members = descriptors(value, "manifests", what);
  const isBlob = ({ mediaType }: Descriptor) => isLayer(mediaType) || isConfig(mediaType);
  const config = isDescriptor(value.config) ? [value.config] : [];
  const blobs = [...config, ...descriptors(value, "layers", what), ...descriptors(value, "blobs", what)];
  const subject = subjectOf(value, what);
  const known = new Set([digest, subject, ...[...members, ...blobs].map(({ digest }) => digest)]);
  const mentions = [...mentionedDigests(bytes, what)].filter((mentioned) => !known.has(mentioned));
  return {
    digest,
    size,
    members: members.filter((member) => !isBlob(member)).map((member) => member.digest),
    needed: members.filter((member) => manifestKind(member.mediaType) !== "other").map((member) => member.digest),
    blobs: [...blobs, ...members.filter(isBlob)].map((blob) => intern({ digest: blob.digest, size: blob.size })),
    ...(config.length > 0 && { config: config[0].digest }),
    ...(subject && { subject }),
    ...(mentions.length > 0 && { mentions }),
  };
}

function subjectOf({ subject }: Record<string, unknown>, what: string): Hash | undefined {
  if (subject === undefined || subject === null) return undefined;
  if (!isDescriptor(subject)) throw new ManifestError(`${what}: subject is not a descriptor`);
  return subject.digest;
}

function descriptors(value: Record<string, unknown>, field: string, what: string): Descriptor[] {
  const list = value[field] ?? [];
  if (!Array.isArray(list) || !list.every(isDescriptor)) {
    throw new ManifestError(`${what}: ${field} is not a list of descriptors`);
  }
  return list;
}
