import { ProtocolError } from "../src/errors.ts";
import { parseRepository, type Repository } from "../src/name/mod.ts";
import {
  type GoogleManifestInfo,
  isGoogle,
  type ListOptions,
  Puller,
  type RemoteOptions,
  type TagsPage,
} from "../src/remote/mod.ts";

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

/** Options of {@linkcode listRepository}. */
export interface ListRepositoryOptions extends RemoteOptions, ListOptions {
  /**
   * What asks the registry: one that is shared keeps connections and tokens.
   * @default a new one, made with these options
   */
  puller?: Puller;
  /**
   * Told of a list that seems to be cut: its last page is full, and neither a link nor the page after it leads on.
   * @default it is an error
   */
  onTruncated?: (error: ProtocolError) => void;
}

/**
 * Lists a repository, all pages of it.
 *
 * @throws {ProtocolError} when the registry gives a full page and no way to know whether there is more.
 */
export async function listRepository(
  name: Repository | string,
  options: ListRepositoryOptions = {},
): Promise<RepositoryListing> {
  const repository = parseRepository(name, options);
  const { puller = new Puller(options), onTruncated = raise, signal } = options;
  const pageSize = options.pageSize ?? (isGoogle(repository.registry.name) ? 10_000 : 1000);
  const whole = new WholeListing();
  for (let last = options.last;;) {
    let page: TagsPage | undefined;
    const before = whole.size;
    for await (page of puller.tagPages(repository, { pageSize, last, signal })) whole.add(page);
    const manifests = Object.keys(page?.manifest ?? {}).length;
    if (page === undefined || (page.tags.length !== pageSize && manifests !== pageSize)) break;
    // Google's pages are of manifests, which nothing but a link leads on from. Elsewhere the page after this one tells.
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

/** The pages of a list put together, each thing once. */
class WholeListing {
  readonly #tags = new Set<string>();
  readonly #children = new Set<string>();
  readonly #manifests = new Map<string, GoogleManifestInfo>();
  #google = false;

  get size(): number {
    return this.#tags.size + this.#manifests.size;
  }

  add({ tags, child, manifest }: TagsPage): void {
    for (const tag of tags) this.#tags.add(tag);
    for (const name of child ?? []) this.#children.add(name);
    for (const [digest, info] of Object.entries(manifest ?? {})) {
      const known = this.#manifests.get(digest);
      this.#manifests.set(digest, known ? { ...info, tag: joined(known.tag, info.tag) } : info);
    }
    this.#google ||= child !== undefined || manifest !== undefined;
  }

  listing({ path }: Repository): RepositoryListing {
    const google = { child: [...this.#children].sort(), manifest: Object.fromEntries(this.#manifests) };
    return { name: path, tags: [...this.#tags], ...(this.#google ? google : {}) };
  }
}

function joined(a: readonly string[] = [], b: readonly string[] = []): readonly string[] {
  return [...new Set([...a, ...b])];
}

/** The error of a list whose last page is full, and nothing leads on from it. */
export function truncated(list: string, pageSize: number): ProtocolError {
  return new ProtocolError(
    `${list} ends at ${pageSize} entries, as many as were asked for, and does not say where it goes on`,
    { hint: "there may be more: what is not listed is not seen" },
  );
}

function raise(error: ProtocolError): never {
  throw error;
}

/** Whether a tag stands for what refers to a manifest, `sha256-…` for example. */
export function isDigestTag(tag: string): boolean {
  return /^sha(256|512)-[0-9a-f]{64,}/.test(tag);
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
 * `repository:tag`s, all of it sorted; of a plain one its tags.
 */
export function* listingLines(
  repository: Repository,
  listing: RepositoryListing,
  options: ListingLinesOptions = {},
): Generator<string, void, undefined> {
  const shown = (tag: string) => !(options.omitDigestTags && isDigestTag(tag));
  if (!listing.manifest) {
    for (const tag of listing.tags.filter(shown).sort()) yield options.fullRef ? `${repository}:${tag}` : tag;
    return;
  }
  for (const child of listing.child ?? []) yield `${repository}/${child}`;
  for (const digest of Object.keys(listing.manifest).sort()) {
    yield `${repository}@${digest}`;
    const tags = [...listing.manifest[digest].tag ?? []].filter(shown).sort();
    for (const tag of tags) yield `${repository}:${tag}`;
  }
}
