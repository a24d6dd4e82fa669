import { ProtocolError } from "../src/errors.ts";
import { Limits, Tally } from "../src/io/mod.ts";
import { parseRepository, type Repository } from "../src/name/mod.ts";
import { isGoogle } from "../src/remote/internal.ts";
import {
  type GoogleManifestInfo,
  type ListOptions,
  Puller,
  type RemoteOptions,
  type TagsPage,
} from "../src/remote/mod.ts";

/** A registry's listing of a repository, all of its pages: with Google's extension, or a plain list of tags. */
export type RepositoryListing = TagsPage;

/** Options of {@linkcode listRepository}. */
export interface ListRepositoryOptions extends RemoteOptions, ListOptions {
  /**
   * The puller for the registry; a shared one reuses connections and tokens.
   *
   * @default a new one with these options
   */
  puller?: Puller;
  /**
   * Called for a list that seems to be cut: its last page is full, and neither a link nor the page after it continues
   * it.
   *
   * @default the error is thrown
   */
  onTruncated?: (error: ProtocolError) => void;
}

/**
 * Lists a repository with all pages.
 *
 * @throws {ProtocolError} if the last page is full and it can't be known whether there is more.
 * @throws {LimitError} if the list has more than a million entries.
 */
export async function listRepository(
  name: Repository | string,
  options: ListRepositoryOptions = {},
): Promise<RepositoryListing> {
  const repository = parseRepository(name, options);
  const { puller = new Puller(options), onTruncated = raise, signal } = options;
  const pageSize = options.pageSize ?? (isGoogle(repository.registry.name) ? 10_000 : 1000);
  const whole = new WholeListing(repository);
  for (let last = options.last;;) {
    let page: TagsPage | undefined;
    const before = whole.size;
    for await (page of puller.tagPages(repository, { pageSize, last, signal })) whole.add(page);
    const manifests = Object.keys(page?.manifest ?? {}).length;
    if (page === undefined || (page.tags.length !== pageSize && manifests !== pageSize)) break;
    // Google's pages list manifests and continue only by a link. Elsewhere the next page shows whether there is more.
    const next = page.tags.at(-1);
    const stands = last !== undefined && whole.size === before;
    if (stands || next === undefined || (manifests === pageSize && isGoogle(repository.registry.name))) {
      onTruncated(truncated(`the list of ${repository}`, pageSize));
      break;
    }
    last = next;
  }
  return whole.listing(repository);
}

/** Merges the pages of a list and drops duplicates. */
class WholeListing {
  readonly #tags = new Set<string>();
  readonly #children = new Set<string>();
  readonly #manifests = new Map<string, GoogleManifestInfo>();
  readonly #entries: Tally;
  #google = false;
  /** Whether a page has tags alone: manifests without a tag may be missing then, so the list is not one of manifests. */
  #hasPlainPage = false;

  constructor(repository: Repository) {
    this.#entries = new Tally(Limits.entries, `the tags and manifests in the list of ${repository}`);
  }

  get size(): number {
    return this.#tags.size + this.#manifests.size;
  }

  add({ tags, child, manifest }: TagsPage): void {
    this.#entries.add(tags.length + (child?.length ?? 0) + Object.keys(manifest ?? {}).length);
    for (const tag of tags) this.#tags.add(tag);
    for (const name of child ?? []) this.#children.add(name);
    for (const [digest, info] of Object.entries(manifest ?? {})) {
      const known = this.#manifests.get(digest);
      this.#manifests.set(digest, known ? { ...info, tag: joined(known.tag, info.tag) } : info);
    }
    this.#google ||= child !== undefined || manifest !== undefined;
    this.#hasPlainPage ||= manifest === undefined;
  }

  listing({ path }: Repository): RepositoryListing {
    return {
      name: path,
      tags: [...this.#tags],
      ...(this.#google && { child: [...this.#children].sort() }),
      ...(this.#google && !this.#hasPlainPage && { manifest: Object.fromEntries(this.#manifests) }),
    };
  }
}

function joined(a: readonly string[] = [], b: readonly string[] = []): readonly string[] {
  return [...new Set([...a, ...b])];
}

/** Creates the error for a list with a full last page and no continuation. */
export function truncated(list: string, pageSize: number): ProtocolError {
  return new ProtocolError(
    `${list} ends at ${pageSize} entries, the requested page size, without a link to a next page`,
    { hint: "there may be more entries, which are not processed" },
  );
}

function raise(error: ProtocolError): never {
  throw error;
}

/** Returns whether a tag holds referrers of a manifest, for example `sha256-…`. */
export function isDigestTag(tag: string): boolean {
  return /^sha(256|512)-[0-9a-f]{64,}/.test(tag);
}

/** Options of {@linkcode listingLines}. */
export interface ListingLinesOptions {
  /**
   * Whether to leave out tags that hold referrers (`sha256-…`).
   *
   * @default false
   */
  omitDigestTags?: boolean;
}

/**
 * Yields a listing as lines: with Google's extension the repositories below, then each `repository@digest` followed by
 * its `repository:tag`s, sorted; otherwise the `repository:tag`s.
 */
export function* listingLines(
  repository: Repository,
  listing: RepositoryListing,
  options: ListingLinesOptions = {},
): Generator<string, void, undefined> {
  const shown = (tag: string) => !(options.omitDigestTags && isDigestTag(tag));
  if (!listing.manifest) {
    for (const tag of listing.tags.filter(shown).sort()) yield `${repository}:${tag}`;
    return;
  }
  for (const child of listing.child ?? []) yield `${repository}/${child}`;
  for (const digest of Object.keys(listing.manifest).sort()) {
    yield `${repository}@${digest}`;
    const tags = [...listing.manifest[digest].tag ?? []].filter(shown).sort();
    for (const tag of tags) yield `${repository}:${tag}`;
  }
}
