import { ProtocolError } from "../errors.ts";
import { type AbortOptions, Limits } from "../io/mod.ts";
import { CATALOG_SCOPE, type Registry, type Repository } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { type BodyLimit, redactUrl, type WholeAnswer } from "../transport/mod.ts";
import type { Client } from "./client.ts";
import { LinkFollower } from "./links.ts";

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
  for await (const page of pages(client, repository.registry, `/tags/list${query}`, request)) {
    const { name, tags, child, manifest } = page as Partial<Record<keyof TagsPage, unknown>>;
    yield {
      name: typeof name === "string" ? name : repository.repository,
      tags: strings(tags),
      ...(child ? { child: strings(child) } : {}),
      ...(isObject(manifest) ? { manifest: manifest as TagsPage["manifest"] } : {}),
    };
  }
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
  for await (const page of pages(client, registry, `/v2/_catalog${pageQuery(options, 1000)}`, request)) {
    yield { repositories: strings(page.repositories) };
  }
}

/** Whether a host is one of Google's registries, whose listings say more. */
export function isGoogle(registry: string): boolean {
  return registry === "gcr.io" || /\.(gcr\.io|pkg\.dev|google\.com)$/.test(registry);
}

/** Follows `Link` headers from page to page; each page is a JSON object. */
async function* pages(
  client: Client,
  registry: Registry,
  first: string,
  request: (to: string | URL, limit: BodyLimit) => Promise<WholeAnswer>,
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  const links = new LinkFollower(client, registry);
  for (let to: string | URL | undefined = first; to !== undefined;) {
    const answer: WholeAnswer = await request(to, { limit: Limits.page, what: `a page of a list of ${registry}` });
    yield parsePage(answer.bytes, `GET ${redactUrl(answer.url)}`);
    to = await links.next(answer);
  }
}

function parsePage(bytes: Bytes, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (isObject(value)) return value;
  } catch {
    // said below
  }
  throw new ProtocolError(`${what}: the answer is not a JSON object`);
}

function pageQuery({ pageSize, last }: ListOptions, defaultSize: number): string {
  const query = new URLSearchParams({ n: String(pageSize ?? defaultSize), ...(last ? { last } : {}) });
  return `?${query}`;
}

function accepting({ signal }: ListOptions): { headers: Record<string, string>; signal: AbortSignal | undefined } {
  return { headers: { accept: "application/json" }, signal };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
