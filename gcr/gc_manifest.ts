import { mentionedDigests, successors } from "../src/graph/mod.ts";
import type { RemoteManifest } from "../src/remote/mod.ts";
import { type Descriptor, type Hash, isConfig, isLayer, manifestKind } from "../src/spec/mod.ts";
import type { GcBlob, GcManifest } from "./gc_graph.ts";

/** The content of a manifest, without its tags and its upload time. */
export interface GcFacts extends Omit<GcManifest, "tags" | "uploaded"> {
  /** Its members that are images or indexes by their media type; an index without one of them is incomplete. */
  readonly needed: readonly Hash[];
}

/**
 * Reads the references of a manifest. Members of an index that can only be blobs count as blobs.
 *
 * @param intern returns one shared object for equal blobs, as many manifests may name the same blob
 * @throws {ManifestError} if it can't be parsed, as its references are unknown then.
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
