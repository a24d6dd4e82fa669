import { mentionedDigests, successors } from "../src/graph/mod.ts";
import type { RemoteManifest } from "../src/remote/mod.ts";
import { type Descriptor, type Hash, isConfig, isLayer, manifestKind } from "../src/spec/mod.ts";
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
  const { config, blobs: named, members, subject } = successors(bytes, mediaType, what);
  const isBlob = ({ mediaType }: Descriptor) => isLayer(mediaType) || isConfig(mediaType);
  const blobs = [...config ? [config] : [], ...named];
  const known = new Set([digest, subject?.digest, ...[...members, ...blobs].map(({ digest }) => digest)]);
  const mentions = [...mentionedDigests(bytes, what)].filter((mentioned) => !known.has(mentioned));
  return {
    digest,
    size,
    members: members.filter((member) => !isBlob(member)).map((member) => member.digest),
    needed: members.filter((member) => manifestKind(member.mediaType) !== "other").map((member) => member.digest),
    blobs: [...blobs, ...members.filter(isBlob)].map(({ digest, size = 0 }) => intern({ digest, size })),
    ...(config && { config: config.digest }),
    ...(subject && { subject: subject.digest }),
    ...(mentions.length > 0 && { mentions }),
  };
}
