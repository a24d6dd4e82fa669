import type { Hash } from "../../spec/mod.ts";
import type { RegistryContext, RepositoryRequest } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import type { RepositoryManifest } from "../content/repositories.ts";
import type { ListedPage, TagTarget } from "../content/repository_tags.ts";
import { refuse, replyJson } from "./reply.ts";

/** The entry of a manifest in Google's extension of the list of tags; every value is a string. */
interface GoogleManifest {
  readonly imageSizeBytes: string;
  readonly layerId: string;
  readonly mediaType: string;
  readonly tag: readonly string[];
  readonly timeCreatedMs: string;
  readonly timeUploadedMs: string;
}

const NO_TAGS: ListedPage<TagTarget> = { entries: [] };

/** The requested part of a list. */
interface Page {
  readonly limit: number;
  readonly last: string | undefined;
}

/**
 * Answers the list of a repository's tags (distribution-spec, "Listing Tags"), with Google's extension: the children of
 * the repository, and its manifests with their tags, tagged or not.
 *
 * With `n`, the list comes in pages: first the tags, each page with the manifests that its tags point at and these tags of
 * theirs, then the manifests without a tag, `n` entries a page. The first page has the children as well. All pages
 * together are the whole.
 */
export async function listTags(context: RegistryContext, asked: RepositoryRequest): Promise<Response> {
  const { repositories } = context;
  const { request: { signal }, url, name } = asked;
  const page = readPage(url);
  if (page instanceof Response) return page;
  const { limit, last } = page;
  const isFirst = last === undefined;
  const isBehindTags = last?.includes(":") ?? false; // no tag has a colon, each digest has
  const [tags, child] = await Promise.all([
    isBehindTags ? NO_TAGS : repositories.tags(name, { after: last, limit, signal }),
    isFirst ? repositories.children(name, { signal }) : [],
  ]);
  let { next } = tags;
  let untagged: readonly Hash[] = [];
  if (next === undefined && limit > 0) {
    const room = limit - tags.entries.length;
    const found = await repositories.untagged(name, {
      after: isBehindTags ? last : undefined,
      limit: Math.max(room, 1),
      ...(isFirst && { all: tags.entries }),
      signal,
    });
    if (room > 0) ({ entries: untagged, next } = found);
    else if (found.entries.length > 0 || found.next !== undefined) next = tags.entries.at(-1)![0];
  }
  const byDigest = Map.groupBy(tags.entries, ([, digest]) => digest);
  const manifests = new Map<Hash, GoogleManifest>(
    await repositories.readManifests(name, {
      digests: [...byDigest.keys(), ...untagged],
      signal,
      read: (manifest) =>
        [
          manifest.digest,
          googleManifest(manifest, (byDigest.get(manifest.digest) ?? []).map(([tag]) => tag)),
        ] as const,
    }),
  );
  if (manifests.size + child.length === 0 && !await repositories.exists(name, { signal })) {
    return refuse(404, "NAME_UNKNOWN", { message: "there is no such repository", detail: { name } });
  }
  return replyJson({
    child,
    manifest: Object.fromEntries(manifests),
    name,
    tags: tags.entries.filter(([, digest]) => manifests.has(digest)).map(([tag]) => tag),
  }, { headers: nextPage(url, limit, next) });
}

/** Answers the sorted list of repositories, in pages if the query has `n`. */
export async function listRepositories(context: RegistryContext, { request, url }: Exchange): Promise<Response> {
  const page = readPage(url);
  if (page instanceof Response) return page;
  const { signal } = request;
  const names = await context.repositories.names({ after: page.last, limit: page.limit + 1, signal });
  const shown = names.slice(0, page.limit);
  const next = names.length > shown.length ? shown.at(-1) : undefined;
  return replyJson({ repositories: shown }, { headers: nextPage(url, page.limit, next) });
}

function googleManifest(manifest: RepositoryManifest, tag: readonly string[]): GoogleManifest {
  return {
    imageSizeBytes: String(manifest.imageSize),
    layerId: "",
    mediaType: manifest.mediaType,
    tag,
    timeCreatedMs: String(manifest.created),
    timeUploadedMs: String(manifest.uploaded),
  };
}

function readPage(url: URL): Page | Response {
  const n = url.searchParams.get("n");
  if (n !== null && !/^\d+$/.test(n)) return refuse(400, "UNSUPPORTED", { message: "n is not a number of entries" });
  return { limit: n === null ? Infinity : Number(n), last: url.searchParams.get("last") ?? undefined };
}

/** Makes the header that links to the page after a place, if there is one. */
function nextPage(url: URL, limit: number, next: string | undefined): Record<string, string> {
  if (next === undefined) return {};
  return { "Link": `<${url.pathname}?${new URLSearchParams({ last: next, n: String(limit) })}>; rel="next"` };
}
