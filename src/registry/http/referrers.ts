import { jsonBytes } from "../../spec/internal.ts";
import { type Descriptor, type Hash, isHash, MediaType } from "../../spec/mod.ts";
import { referrerFacts } from "../content/pushed_manifest.ts";
import type { RegistryContext, RepositoryRequest } from "./context.ts";
import { digestInvalid, replyJson } from "./reply.ts";

/** The most bytes of the descriptors of a page: some clients refuse a list of 4 MB. */
const PAGE_BYTES = 3_900_000;
/** The number of manifests that are read at once for a page. */
const BATCH = 64;

/**
 * Answers the list of the manifests that refer to one (distribution-spec, "Listing Referrers"): an index, which is
 * empty if there are none, or no such manifest or repository. A long list comes in pages.
 */
export function listReferrers(context: RegistryContext, asked: RepositoryRequest, subject: Hash): Promise<Response> {
  const { repositories } = context;
  const { request: { signal }, name } = asked;
  return replyReferrers(asked, async function* (after) {
    const digests = await repositories.referrerDigests(name, subject, { after, signal });
    for (let start = 0; start < digests.length; start += BATCH) {
      yield* await repositories.readManifests(name, {
        digests: digests.slice(start, start + BATCH),
        signal,
        read: ({ mediaType, digest, bytes }): Descriptor => ({
          mediaType,
          size: bytes.length,
          digest,
          ...referrerFacts(bytes),
        }),
      });
    }
  });
}

/** Answers with a page of referrers. `following` lists those after a digest, in the order of their digests. */
export async function replyReferrers(
  { url }: RepositoryRequest,
  following: (after: Hash | undefined) => AsyncIterable<Descriptor>,
): Promise<Response> {
  const artifactType = url.searchParams.get("artifactType") || undefined;
  const last = url.searchParams.get("last") ?? undefined;
  if (last !== undefined && !isHash(last)) return digestInvalid();
  const manifests: Descriptor[] = [];
  const headers: Record<string, string> = artifactType ? { "OCI-Filters-Applied": "artifactType" } : {};
  let size = 0;
  for await (const referrer of following(last)) {
    if (artifactType && !isSameType(referrer.artifactType, artifactType)) continue;
    size += jsonBytes(referrer).length + 1;
    if (size > PAGE_BYTES && manifests.length > 0) {
      const query = new URLSearchParams({ ...artifactType && { artifactType }, last: manifests.at(-1)!.digest });
      headers["Link"] = `<${url.pathname}?${query}>; rel="next"`;
      break;
    }
    manifests.push(referrer);
  }
  const type = MediaType.OciImageIndex;
  return replyJson({ schemaVersion: 2, mediaType: type, manifests }, { type, headers });
}

function isSameType(one: string | undefined, other: string): boolean {
  return one?.toLowerCase() === other.toLowerCase();
}
