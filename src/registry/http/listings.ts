import type { Hash } from "../../spec/mod.ts";
import type { RegistryContext, RepositoryRequest } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import type { RepositoryManifest } from "../content/repositories.ts";
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

/** The requested part of a list. */
interface Page {
  readonly limit: number;
  readonly last: string | undefined;
}

/**
 * Answers the list of a repository's tags (distribution-spec, "Listing Tags"), with Google's extension: the children of
 * the repository, and its manifests with their tags, tagged or not.
 *
 * With `n`, tags come in pages. A page has the manifests that its tags point at, each with all of its tags; the first
 * page has the manifests without tags and the children as well, so that all pages together are the whole.
 */
export async function listTags(context: RegistryContext, asked: RepositoryRequest): Promise<Response> {
  const { repositories } = context;
  const { request: { signal }, url, name } = asked;
  const page = readPage(url);
  if (page instanceof Response) return page;
  const isFirst = page.last === undefined;
  const [tags, digests, child] = await Promise.all([
    repositories.tags(name, { signal }),
    repositories.manifestDigests(name, { signal }),
    repositories.children(name, { signal }),
  ]);
  if (digests.length + child.length === 0) {
    return refuse(404, "NAME_UNKNOWN", { message: "there is no such repository", detail: { name } });
  }
  const byDigest = Map.groupBy(tags, ([, digest]) => digest);
  const following = tags.filter(([tag]) => isFirst || tag > page.last!);
  const inPage = following.slice(0, page.limit);
  const shown = new Set(inPage.map(([, digest]) => digest));
  if (isFirst) { for (const digest of digests) if (!byDigest.has(digest)) shown.add(digest); }
  const manifests = new Map<Hash, GoogleManifest>(
    await repositories.readManifests(name, {
      digests: shown,
      signal,
      read: (manifest) =>
        [
          manifest.digest,
          googleManifest(manifest, (byDigest.get(manifest.digest) ?? []).map(([tag]) => tag)),
        ] as const,
    }),
  );
  return replyJson({
    child: isFirst ? child : [],
    manifest: Object.fromEntries(manifests),
    name,
    tags: inPage.filter(([, digest]) => manifests.has(digest)).map(([tag]) => tag),
  }, { headers: nextPage(url, { ...page, shown: inPage.map(([tag]) => tag), total: following.length }) });
}

/** Answers the sorted list of repositories, in pages if the query has `n`. */
export async function listRepositories(context: RegistryContext, { request, url }: Exchange): Promise<Response> {
  const page = readPage(url);
  if (page instanceof Response) return page;
  const { signal } = request;
  const names = await context.repositories.names({ after: page.last, limit: page.limit + 1, signal });
  const shown = names.slice(0, page.limit);
  return replyJson({ repositories: shown }, { headers: nextPage(url, { ...page, shown, total: names.length }) });
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

/** Makes the header that links to the next page, if there is one. An empty page has no next page. */
function nextPage(
  url: URL,
  { limit, shown, total }: Page & { shown: readonly string[]; total: number },
): Record<string, string> {
  if (shown.length === 0 || total <= shown.length) return {};
  const query = new URLSearchParams({ last: shown.at(-1)!, n: String(limit) });
  return { "Link": `<${url.pathname}?${query}>; rel="next"` };
}
