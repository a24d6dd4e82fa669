import type { Repository } from "../src/name/mod.ts";
import { type GoogleManifestInfo, type ListOptions, Puller, type RemoteOptions } from "../src/remote/mod.ts";

/** What a registry says of a repository: Google's answer, or a plain list of tags. */
export interface RepositoryListing {
  /** The name of the repository. */
  readonly name: string;
  /** Its tags. */
  readonly tags: readonly string[];
  /** The repositories below it; only where the registry speaks Google's extension. */
  readonly child?: readonly string[];
  /** Its manifests by digest; only where the registry speaks Google's extension. */
  readonly manifest?: Readonly<Record<string, GoogleManifestInfo>>;
}

/** Lists a repository, all pages of it. */
export async function listRepository(
  repository: Repository,
  options: RemoteOptions & ListOptions = {},
): Promise<RepositoryListing> {
  const tags: string[] = [];
  const children = new Set<string>();
  const manifests: Record<string, GoogleManifestInfo> = {};
  let google = false;
  for await (const page of new Puller(options).tagPages(repository, options)) {
    tags.push(...page.tags);
    for (const child of page.child ?? []) children.add(child);
    Object.assign(manifests, page.manifest);
    google ||= page.manifest !== undefined;
  }
  return {
    name: repository.repository,
    tags,
    ...(google ? { child: [...children].sort(), manifest: manifests } : {}),
  };
}

/** Options of {@linkcode listingLines}. */
export interface ListingLinesOptions {
  /**
   * Whether plain tags are written with their repository.
   * @default false
   */
  fullRef?: boolean;
  /**
   * Whether tags that stand for referrers (`sha256-…`) are left out.
   * @default false
   */
  omitDigestTags?: boolean;
}

/**
 * A listing as lines: of Google's, the repositories below, then each `repository@digest` followed by its
 * `repository:tag`s, sorted; of a plain one its tags.
 */
export function* listingLines(
  repository: Repository,
  listing: RepositoryListing,
  options: ListingLinesOptions = {},
): Generator<string, void, undefined> {
  const shown = (tag: string) => !(options.omitDigestTags && /^sha(256|512)-[0-9a-f]{64,}/.test(tag));
  if (!listing.manifest) {
    for (const tag of listing.tags.filter(shown)) yield options.fullRef ? `${repository}:${tag}` : tag;
    return;
  }
  for (const child of listing.child ?? []) yield `${repository}/${child}`;
  for (const digest of Object.keys(listing.manifest).sort()) {
    yield `${repository}@${digest}`;
    const tags = [...listing.manifest[digest].tag ?? []].filter(shown).sort();
    for (const tag of tags) yield `${repository}:${tag}`;
  }
}
