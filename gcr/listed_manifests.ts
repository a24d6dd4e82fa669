import { ProtocolError } from "../src/errors.ts";
import { type AbortOptions, mapConcurrent } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { DEFAULT_JOBS } from "../src/graph/internal.ts";
import type { GoogleManifestInfo, Puller } from "../src/remote/mod.ts";
import { type Hash, isHash } from "../src/spec/mod.ts";
import { findOrUndefined } from "../src/transport/internal.ts";
import type { RepositoryListing } from "./list.ts";

/** A manifest of a repository with the properties that the registry lists. */
export interface ListedManifest {
  /** Its digest. */
  readonly digest: Hash;
  /** Its media type; empty if the registry gives none. */
  readonly mediaType: string;
  /** The tags that point at it, sorted. */
  readonly tags: readonly string[];
  /** The size of the image with all its content, in bytes; only from Google's extension. */
  readonly size?: number;
  /** The time of the last upload; only from Google's extension. */
  readonly uploaded?: Date;
  /** The creation time from the image's config; only from Google's extension. */
  readonly created?: Date;
}

/** Options of {@linkcode listedManifests}. */
export interface ListedManifestsOptions extends AbortOptions {
  /** The puller for the registry. */
  puller: Puller;
  /**
   * The number of tags that are requested at the same time.
   *
   * @default 4
   */
  jobs?: number;
}

/**
 * Yields the manifests of a repository, each once, sorted by digest, from either kind of listing. Google's listing
 * contains all of them. For a plain listing each tag is requested with HEAD; manifests without a tag are unknown then.
 *
 * @throws {ProtocolError} if the listing contains an invalid digest.
 */
export async function* listedManifests(
  repository: Repository,
  listing: RepositoryListing,
  options: ListedManifestsOptions,
): AsyncGenerator<ListedManifest, void, undefined> {
  const found = new Map<Hash, ListedManifest>();
  for (const [digest, info] of Object.entries(listing.manifest ?? {})) {
    if (!isHash(digest)) {
      throw new ProtocolError(`the list of ${repository} has ${JSON.stringify(digest)} for a digest`);
    }
    found.set(digest, fromGoogle(digest, info));
  }
  const told = new Set([...found.values()].flatMap(({ tags }) => tags));
  const open = listing.tags.filter((tag) => !told.has(tag));
  for (const { tag, digest, mediaType } of await askForTags(repository, open, options)) {
    const known = found.get(digest) ?? { digest, mediaType, tags: [] };
    found.set(digest, { ...known, tags: [...known.tags, tag].sort() });
  }
  const digests = [...found.keys()].sort();
  for (const digest of digests) yield found.get(digest)!;
}

/** Requests the manifests of tags. A tag that was deleted meanwhile is left out. */
async function askForTags(
  repository: Repository,
  tags: readonly string[],
  { puller, jobs = DEFAULT_JOBS, signal }: ListedManifestsOptions,
): Promise<{ tag: string; digest: Hash; mediaType: string }[]> {
  const answers = await mapConcurrent(tags, { concurrency: jobs, signal }, async (tag, signal) => {
    const found = await findOrUndefined(() => puller.head(repository.tag(tag), { signal }));
    return found ? [{ tag, digest: found.digest, mediaType: found.mediaType }] : [];
  });
  return answers.flat();
}

function fromGoogle(digest: Hash, info: GoogleManifestInfo): ListedManifest {
  const size = number(info.imageSizeBytes);
  const uploaded = time(info.timeUploadedMs);
  const created = time(info.timeCreatedMs);
  return {
    digest,
    mediaType: typeof info.mediaType === "string" ? info.mediaType : "",
    tags: [...info.tag ?? []].sort(),
    ...(size !== undefined && { size }),
    ...(uploaded && { uploaded }),
    ...(created && { created }),
  };
}

/** Parses a time of Google's registries, where zero or the year 1 means unknown. */
function time(text: unknown): Date | undefined {
  const ms = number(text);
  const date = ms !== undefined && ms > 0 ? new Date(ms) : undefined;
  return date && Number.isNaN(date.getTime()) ? undefined : date;
}

function number(text: unknown): number | undefined {
  return typeof text === "string" && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}
