import { type AbortOptions, isObject, Limits } from "../io/mod.ts";
import { CATALOG_SCOPE, type Registry, type Repository } from "../name/mod.ts";
import type { BodyLimit, WholeAnswer } from "../transport/mod.ts";
import type { Client } from "./client.ts";
import { LinkFollower, type ListPage, notAList, parsePage, textsOf } from "./list_page.ts";

/** Options of a listing. */
export interface ListOptions extends AbortOptions {
  /**
   * How many entries to ask for in a page.
   * @default 1000, or 10000 of Google's registries
   */
  pageSize?: number;
  /**
   * Where to begin: only what sorts after this entry is listed.
   * @default the beginning
   */
  last?: string;
}

/** What Google's registries say of a manifest; numbers and times are strings. */
export interface GoogleManifestInfo {
  /** The bytes of the image. */
  readonly imageSizeBytes?: string;
  /** The media type of the manifest. */
  readonly mediaType?: string;
  /** When the image says it was made, in milliseconds since the epoch. */
  readonly timeCreatedMs?: string;
  /** When it was uploaded, in milliseconds since the epoch. */
  readonly timeUploadedMs?: string;
  /** The tags that point at it. */
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

/** The pages of a repository's tags. */
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
  for await (const answer of pages(client, repository.registry, `/tags/list${query}`, request)) {
    yield parseTagsPage(answer, repository);
  }
}

/**
 * Reads a page of a repository's tags. Of Google's fields `null` counts as missing.
 *
 * @throws {ProtocolError} when it is none.
 */
export function parseTagsPage(answer: WholeAnswer, repository: Repository): TagsPage {
  const page = parsePage(answer, "tags");
  const { name, child = null, manifest = null } = page.fields;
  return {
    name: typeof name === "string" ? name : repository.repository,
    tags: textsOf(page, "tags"),
    ...(child !== null && { child: textsOf(page, "child") }),
    ...(manifest !== null && { manifest: manifestsOf(page) }),
  };
}

/** The pages of a registry's repositories. */
export async function* catalogPages(
  client: Client,
  registry: Registry,
  options: ListOptions = {},
): AsyncGenerator<CatalogPage, void, undefined> {
  const connection = client.connection(registry);
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

/** Whether a host is one of Google's registries, whose listings say more. */
export function isGoogle(registry: string): boolean {
  return registry === "gcr.io" || /\.(gcr\.io|pkg\.dev|google\.com)$/.test(registry);
}

/** Follows `Link` headers from page to page. */
async function* pages(
  client: Client,
  registry: Registry,
  first: string,
  request: (to: string | URL, limit: BodyLimit) => Promise<WholeAnswer>,
): AsyncGenerator<WholeAnswer, void, undefined> {
  const links = new LinkFollower(client, registry);
  for (let to: string | URL | undefined = first; to !== undefined;) {
    const answer: WholeAnswer = await request(to, { limit: Limits.page, what: `a page of a list of ${registry}` });
    yield answer;
    to = await links.next(answer);
  }
}

function pageQuery({ pageSize, last }: ListOptions, defaultSize: number): string {
  const query = new URLSearchParams({ n: String(pageSize ?? defaultSize), ...(last ? { last } : {}) });
  return `?${query}`;
}

function accepting({ signal }: ListOptions): { headers: Record<string, string>; signal: AbortSignal | undefined } {
  return { headers: { accept: "application/json" }, signal };
}

/** What Google's registries say of each manifest. @throws {ProtocolError} when its tags are none. */
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
