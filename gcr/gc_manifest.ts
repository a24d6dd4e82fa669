import { ManifestError } from "../src/errors.ts";
import { mentionedDigests } from "../src/graph/internal.ts";
import { successors } from "../src/graph/mod.ts";
import { type AbortOptions, readAll } from "../src/io/mod.ts";
import type { DigestReference } from "../src/name/mod.ts";
import type { Puller, RemoteManifest } from "../src/remote/mod.ts";
import { parseJsonObject } from "../src/spec/internal.ts";
import { type Descriptor, type Hash, isConfig, isLayer, manifestKind } from "../src/spec/mod.ts";
import { findOrUndefined } from "../src/transport/internal.ts";
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

/** The largest config that is read for its time, in bytes. */
const CONFIG_LIMIT = 4 * 1024 * 1024;

/**
 * Returns the creation time from an image's config in milliseconds since the epoch, or `undefined` if there is none.
 * The year 1970 of reproducible builds counts as none, as every such image would seem old.
 */
export async function createdTime(
  puller: Puller,
  config: DigestReference,
  options: AbortOptions = {},
): Promise<number | undefined> {
  const what = `config ${config}`;
  try {
    return await findOrUndefined(async () => {
      const layer = await puller.layer(config, options);
      if (await layer.size(options) > CONFIG_LIMIT) return undefined;
      const bytes = await readAll(await layer.compressed(options), { limit: CONFIG_LIMIT, what, ...options });
      const time = Date.parse(String(parseJsonObject(bytes, what).created));
      return time > 0 ? time : undefined;
    });
  } catch (error) {
    if (error instanceof ManifestError) return undefined;
    throw error;
  }
}
