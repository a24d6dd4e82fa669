import { jsonBytes } from "../../spec/internal.ts";
import { type Descriptor, type Hash, isHash, MediaType } from "../../spec/mod.ts";
import { referrerFacts } from "../content/pushed_manifest.ts";
import type { RegistryContext, RepositoryRequest } from "./context.ts";
import { digestInvalid, replyJson } from "./reply.ts";

/** The most bytes of the descriptors of a page: some clients refuse a list of 4 MB. */
const PAGE_BYTES = 3_900_000;
/** The most manifests that are read for a page. */
const PAGE = 1_000;
/** The number of manifests that are read at once for a page. */
const BATCH = 64;

/** Referrers in the order of their digests. */
export interface FollowingReferrers {
  readonly referrers: AsyncIterable<Descriptor> | Iterable<Descriptor>;
  /** The digest after which more may follow. */
  readonly next?: string;
}

/**
 * Answers the list of the manifests that refer to one (distribution-spec, "Listing Referrers"): an index, which is
 * empty if there are none, or no such manifest or repository. A long list comes in pages; one with a filter may have few
 * entries, or none, although another page follows.
 */
export function listReferrers(context: RegistryContext, asked: RepositoryRequest, subject: Hash): Promise<Response> {
  const { repositories } = context;
  const { request: { signal }, name } = asked;
  const read = async function* (digests: readonly Hash[]) {
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
  };
  return replyReferrers(asked, async (after) => {
    const { entries, next } = await repositories.referrers(name, subject, { after, limit: PAGE, signal });
    return { referrers: read(entries), next };
  });
}

/** Answers with a page of referrers; `follow` lists those after a digest. */
export async function replyReferrers(
  { url }: RepositoryRequest,
  follow: (after: Hash | undefined) => Promise<FollowingReferrers>,
): Promise<Response> {
  const last = url.searchParams.get("last") ?? undefined;
  if (last !== undefined && !isHash(last)) return digestInvalid();
  const following = await follow(last);
  let { next } = following;
  const shown: Descriptor[] = [];
  let size = 0;
  for await (const referrer of wanted(url, following.referrers)) {
    size += jsonBytes(referrer).length + 1;
    if (size > PAGE_BYTES && shown.length > 0) {
      next = shown.at(-1)!.digest;
      break;
    }
    shown.push(referrer);
  }
  const artifactType = url.searchParams.get("artifactType");
  const query = next && new URLSearchParams({ ...artifactType && { artifactType }, last: next });
  return replyPage(url, shown, query?.toString());
}

/** Answers with a page that another registry answered; `next` is the query of its next page. */
export async function replyReferrersPage(
  { url }: RepositoryRequest,
  page: readonly Descriptor[],
  next: string | undefined,
): Promise<Response> {
  return replyPage(url, await Array.fromAsync(wanted(url, page)), next);
}

/** Leaves out referrers of another type than the requested one. */
async function* wanted(
  url: URL,
  referrers: AsyncIterable<Descriptor> | Iterable<Descriptor>,
): AsyncGenerator<Descriptor, void, undefined> {
  const artifactType = url.searchParams.get("artifactType")?.toLowerCase();
  for await (const referrer of referrers) {
    if (!artifactType || referrer.artifactType?.toLowerCase() === artifactType) yield referrer;
  }
}

function replyPage(url: URL, manifests: readonly Descriptor[], next: string | undefined): Response {
  const type = MediaType.OciImageIndex;
  return replyJson({ schemaVersion: 2, mediaType: type, manifests }, {
    type,
    headers: {
      ...url.searchParams.get("artifactType") && { "OCI-Filters-Applied": "artifactType" },
      ...next !== undefined && { "Link": `<${url.pathname}?${next}>; rel="next"` },
    },
  });
}
