import type { RepositoryListing } from "../gcr/mod.ts";
import { UsageError } from "../src/errors.ts";
import { byVersion, tagMatcher, tagVersion } from "../src/name/internal.ts";
import type { Repository } from "../src/name/mod.ts";
import type { Puller } from "../src/remote/mod.ts";
import type { Flags, FlagValues } from "./flag.ts";

/** The flags of `gcrane ls` that choose and sort tags. */
export const listedTagFlags = {
  tags: { type: "boolean", help: "Print only the tags, one per line, and not with their repository" },
  filter: { type: "strings", valueName: "PATTERN", help: "List only tags that match, for example v1.* or /^v\\d+$/" },
  semver: {
    type: "string",
    valueName: "RANGE",
    help: "List only tags that are versions in a range, for example '>=1.2 <2', or '*' for all versions",
  },
  sort: {
    type: "string",
    valueName: "BY",
    choices: ["name", "time", "semver"],
    help: "List only the tags, by name, or the newest or the highest version first",
  },
  latest: {
    type: "boolean",
    help: "List only the highest version, or the first tag by --sort; exit with 1 if there is none",
  },
  require: { type: "boolean", help: "Exit with 1 if no tag matches" },
} as const satisfies Flags;

/** The tags that a listing shows, and their order. */
export class ListedTags {
  /** Whether the listing is of tags alone, without digests and repositories below. */
  readonly only: boolean;
  /** Whether the tags are chosen by a condition. */
  readonly isChoice: boolean;
  readonly #shows: (tag: string) => boolean;
  readonly #sort: "name" | "time" | "semver" | undefined;
  readonly #latest: boolean;

  /** Reads the flags. @throws {UsageError} for an invalid condition. */
  constructor(flags: FlagValues<typeof listedTagFlags>, { asCrane, hides }: {
    /** Whether only tags are listed by default. */
    asCrane: boolean;
    /** Returns whether a tag is left out for another reason. */
    hides: (tag: string) => boolean;
  }) {
    const { filter, semver, latest } = flags;
    const matches = tagMatcher({ patterns: filter, semver });
    this.#latest = latest;
    this.#sort = flags.sort ?? (latest ? "semver" : undefined);
    this.only = flags.tags || asCrane || this.#sort !== undefined;
    this.isChoice = matches !== undefined || latest;
    const versions = latest && this.#sort === "semver";
    this.#shows = (tag) =>
      !hides(tag) && (matches?.(tag) ?? true) && !(versions && semver === undefined && !isRelease(tag));
    if (flags.require && !this.isChoice) {
      throw new UsageError("--require is for --filter, --semver and --latest", { hint: "leave it out" });
    }
  }

  /** Returns whether a tag is listed. */
  shows(tag: string): boolean {
    return this.#shows(tag);
  }

  /** Returns a listing with these tags alone, in their order. */
  async of(
    repository: Repository,
    listing: RepositoryListing,
    options: { puller: Puller; signal: AbortSignal },
  ): Promise<RepositoryListing> {
    const sorted = await this.#sorted(repository, { ...listing, tags: listing.tags.filter(this.#shows) }, options);
    const tags = this.#latest ? sorted.slice(0, 1) : sorted;
    if (!this.isChoice) return { ...listing, tags };
    const kept = new Set(tags);
    const { child, manifest } = listing;
    return {
      ...listing,
      tags,
      ...(child && { child: [] }),
      ...(manifest && {
        manifest: Object.fromEntries(
          Object.entries(manifest)
            .map(([digest, info]) => [digest, { ...info, tag: info.tag?.filter((tag) => kept.has(tag)) }] as const)
            .filter(([, { tag }]) => tag !== undefined && tag.length > 0),
        ),
      }),
    };
  }

  async #sorted(
    repository: Repository,
    listing: RepositoryListing,
    options: { puller: Puller; signal: AbortSignal },
  ): Promise<readonly string[]> {
    switch (this.#sort) {
      case "semver":
        return listing.tags.toSorted(byVersion);
      case "time":
        return await byTime(repository, listing, options);
      case "name":
        return listing.tags.toSorted();
      case undefined:
        return this.only ? listing.tags.toSorted() : listing.tags;
    }
  }
}

/** Sorts tags by the time of the upload, or of the build if the registry gives none, the newest first. */
async function byTime(
  repository: Repository,
  listing: RepositoryListing,
  options: { puller: Puller; signal: AbortSignal },
): Promise<string[]> {
  const wanted = new Set(listing.tags);
  const { listedManifests, manifestDetails } = await import("../gcr/internal.ts");
  const all = await Array.fromAsync(listedManifests(repository, listing, options));
  const manifests = all.filter(({ tags }) => tags.some((tag) => wanted.has(tag)));
  const unknown = manifests.filter(({ uploaded, created }) => uploaded === undefined && created === undefined);
  const details = await manifestDetails(repository, unknown, options);
  const built = new Map(unknown.map((manifest, i) => [manifest, details[i]?.created]));
  const times = new Map(manifests.flatMap((manifest) => {
    const time = manifest.uploaded ?? manifest.created ?? built.get(manifest);
    return manifest.tags.map((tag) => [tag, time?.getTime() ?? -Infinity] as const);
  }));
  const timeOf = (tag: string) => times.get(tag) ?? -Infinity;
  return listing.tags.toSorted((a, b) => timeOf(a) === timeOf(b) ? byVersion(a, b) : timeOf(b) - timeOf(a));
}

/** Returns whether a tag is a version that is not a prerelease. */
function isRelease(tag: string): boolean {
  const version = tagVersion(tag);
  return version !== undefined && (version.prerelease?.length ?? 0) === 0;
}
