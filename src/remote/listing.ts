import { type AbortOptions, isObject, Limits } from "../io/mod.ts";
import { CATALOG_SCOPE, type Registry, type Repository } from "../name/mod.ts";
import type { BodyLimit, WholeAnswer } from "../transport/mod.ts";
import type { Client, RepositoryRequest } from "./client.ts";
import { LinkFollower, type ListPage, notAList, parsePage, textsOf } from "./list_page.ts";

/** Options of a listing. */
export interface ListOptions extends AbortOptions {
  /**
   * The number of entries to request per page.
   *
   * @default 1000, or 10000 from Google's registries
   */
  pageSize?: number;
  /**
   * The entry to start after; only entries that sort after it are listed.
   *
   * @default the beginning
   */
  last?: string;
}

/** The data of Google's registries on a manifest; numbers and times are strings. */
export interface GoogleManifestInfo {
  /** The size of the image in bytes. */
  readonly imageSizeBytes?: string;
  /** The media type of the manifest. */
  readonly mediaType?: string;
  /** The creation time from the image's config, in milliseconds since the epoch. */
  readonly timeCreatedMs?: string;
  /** The upload time, in milliseconds since the epoch. */
  readonly timeUploadedMs?: string;
  /** The tags of the manifest. */
  readonly tag?: readonly string[];
}

/** One page of a repository's tags (distribution-spec, "Listing Tags"). */
export interface TagsPage {
  /** The name of the repository. */
  readonly name: string;
  /** The tags. */
  readonly tags: readonly string[];
  /** The repositories below this one; Google's registries only. */
  readonly child?: readonly string[];
  /** The manifests by digest; Google's registries only. */
  readonly manifest?: Readonly<Record<string, GoogleManifestInfo>>;
}

/** One page of a registry's repositories. */
export interface CatalogPage {
  /** The names of the repositories. */
  readonly repositories: readonly string[];
}

/** Yields the pages of a repository's tags. */
export async function* tagPages(
  client: Client,
  repository: Repository,
  options: ListOptions = {},
): AsyncGenerator<TagsPage, void, undefined> {
  const query = pageQuery(options, isGoogle(repository.registry.name) ? 10_000 : 1000);
  const request = (to: string | URL, limit: BodyLimit) =>
    client.requestWhole(
      repository,
      { method: "GET", to, access: "pull", expect: [200], ...accepting(options) },
      limit,
    );
  for await (const answer of pages(client, repository, `/tags/list${query}`, request)) {
    yield parseTagsPage(answer, repository);
  }
}

/**
 * Parses a page of a repository's tags. A `null` in Google's fields counts as missing.
 *
 * @throws {ProtocolError} if it is not such a page.
 */
export function parseTagsPage(answer: WholeAnswer, repository: Repository): TagsPage {
  const page = parsePage(answer, "tags");
  const { name, child = null, manifest = null } = page.fields;
  return {
    name: typeof name === "string" ? name : repository.path,
    tags: textsOf(page, "tags"),
    ...(child !== null && { child: textsOf(page, "child") }),
    ...(manifest !== null && { manifest: manifestsOf(page) }),
  };
}

/** Yields the pages of a registry's repositories. */
export async function* catalogPages(
  client: Client,
  registry: Registry,
  options: ListOptions = {},
): AsyncGenerator<CatalogPage, void, undefined> {
  const connection = await client.connection(registry);
  const request = (to: string | URL, limit: BodyLimit) =>
    connection.requestWhole(
      undefined,
      { method: "GET", to, scopes: [CATALOG_SCOPE], expect: [200], ...accepting(options) },
      limit,
    );
  for await (const answer of pages(client, registry, `/v2/_catalog${pageQuery(options, 1000)}`, request)) {
    yield { repositories: textsOf(parsePage(answer, "repositories"), "repositories") };
  }
}

/** Returns whether a host is one of Google's registries, whose listings contain more fields. */
export function isGoogle(registry: string): boolean {
  return registry === "gcr.io" || /\.(gcr\.io|pkg\.dev|google\.com)$/.test(registry);
}

/** Follows `Link` headers from page to page. */
async function* pages(
  client: Client,
  target: Registry | Repository,
  first: string,
  request: (to: string | URL, limit: BodyLimit) => Promise<WholeAnswer>,
): AsyncGenerator<WholeAnswer, void, undefined> {
  const what = `a list of ${target.kind === "registry" ? target : target.registry}`;
  const links = new LinkFollower(client, target, { limit: Limits.list, what });
  for (let to: string | URL | undefined = first; to !== undefined;) {
    const answer: WholeAnswer = await request(to, { limit: Limits.page, what: `a page of ${what}` });
    yield answer;
    to = await links.next(answer);
  }
}

function pageQuery({ pageSize, last }: ListOptions, defaultSize: number): string {
  const query = new URLSearchParams({ n: String(pageSize ?? defaultSize), ...(last ? { last } : {}) });
  return `?${query}`;
}

function accepting({ signal }: ListOptions): Pick<RepositoryRequest, "headers" | "patience" | "signal"> {
  return { headers: { accept: "application/json" }, patience: "slow", signal };
}

/** Parses the manifests in a page of Google's registries. @throws {ProtocolError} if the tags of one are malformed. */
function manifestsOf({ fields: { manifest }, url }: ListPage): Record<string, GoogleManifestInfo> {
  if (!isObject(manifest) || !Object.values(manifest).every(isObject)) {
    throw notAList(url, '"manifest" does not hold an object for each digest');
  }
  for (const [digest, { tag }] of Object.entries(manifest as Record<string, Record<string, unknown>>)) {
    const tags = tag ?? [];
    if (Array.isArray(tags) && tags.every((name) => typeof name === "string")) continue;
    throw notAList(url, `"manifest" has something else than tags for ${JSON.stringify(digest.slice(0, 300))}`);
  }
  return manifest as Record<string, GoogleManifestInfo>;
}
