import { type ListedManifest, listedManifests, type ManifestDetails, manifestDetails } from "../gcr/internal.ts";
import type { RepositoryListing } from "../gcr/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import type { Puller } from "../src/remote/mod.ts";
import { isIndex } from "../src/spec/mod.ts";
import { oneLine, shortDigest, tableLines, truncate } from "./terminal_text.ts";
import { formatAge, formatBytes } from "./units.ts";

/** The most manifests with details in a table, as each needs a request. Beyond, only the listing's fields are shown. */
const MOST_DETAILS = 1000;

/** Options of {@linkcode listingTable}. */
export interface ListingTableOptions {
  /** The puller for the registry. */
  readonly puller: Puller;
  /** The number of columns. */
  readonly width: number;
  /** Returns whether to show a tag. */
  readonly shown: (tag: string) => boolean;
  /** The time, in milliseconds since the epoch. */
  readonly now: number;
  /** Writes a message for the user. */
  readonly note: (message: string) => void;
  /** Ends the work. */
  readonly signal: AbortSignal;
}

/** Formats a repository as a table: manifests with tags first, by tag. An empty repository has no lines. */
export async function listingTable(
  repository: Repository,
  listing: RepositoryListing,
  options: ListingTableOptions,
): Promise<string[]> {
  const { puller, width, shown, now, note, signal } = options;
  const all = await Array.fromAsync(listedManifests(repository, listing, { puller, signal }));
  const manifests = all.map((manifest) => ({ ...manifest, tags: manifest.tags.filter(shown) }))
    .filter(({ tags }, at) => tags.length > 0 || all[at].tags.length === 0)
    .sort(byTag);
  if (manifests.length === 0) return [];
  const isMuch = manifests.length > MOST_DETAILS;
  if (isMuch) note(`${repository} has ${manifests.length} manifests: their platforms are not read`);
  const details = isMuch ? [] : await manifestDetails(repository, manifests, { puller, signal });
  const rows = manifests.map((manifest, at) =>
    row(manifest, details[at] ?? { type: typeOf(manifest), platforms: [] }, now)
  );
  const lines = tableLines([["Tag", "Digest", "Type", "Platforms", "Size", "Age"], ...rows], { right: [4, 5] });
  return lines.map((line) => truncate(line, width));
}

function row({ digest, tags, ...listed }: ListedManifest, details: ManifestDetails, now: number): string[] {
  const { type, platforms, size = listed.size, created } = details;
  const time = listed.uploaded ?? created ?? listed.created;
  return [
    truncate(oneLine(tags.join(", ")) || "-", 40),
    shortDigest(digest),
    truncate(oneLine(shortType(type)) || "-", 40),
    truncate(oneLine(platforms.join(", ")) || "-", 50),
    size === undefined ? "-" : formatBytes(size),
    time === undefined ? "-" : formatAge(now - time.getTime()),
  ];
}

function typeOf({ mediaType }: ListedManifest): string {
  return isIndex(mediaType) ? "index" : "image";
}

/** Shortens a media type by its common prefix. */
function shortType(type: string): string {
  return type.replace(/^application\/(?:vnd\.)?/, "");
}

function byTag(a: ListedManifest, b: ListedManifest): number {
  if (a.tags.length === 0 || b.tags.length === 0) {
    return b.tags.length - a.tags.length || (a.digest < b.digest ? -1 : 1);
  }
  return a.tags[0] < b.tags[0] ? -1 : 1;
}
