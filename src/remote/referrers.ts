import { type AbortOptions, digestBytes, Limits } from "../io/mod.ts";
import type { DigestReference, Repository } from "../name/mod.ts";
import { indexManifestBytes, isDescriptor } from "../spec/internal.ts";
import {
  type Descriptor,
  type Hash,
  hashAlgorithm,
  hashHexDigits,
  type IndexManifest,
  isIndex,
  MediaType,
  parseIndexManifest,
} from "../spec/mod.ts";
import { findOrUndefined } from "../transport/internal.ts";
import type { WholeAnswer } from "../transport/mod.ts";
import type { Client } from "./client.ts";
import { LinkFollower, notAList, parsePage } from "./list_page.ts";
import { type FetchedManifest, fetchManifest } from "./manifest_fetch.ts";

/** Options of a referrers request. */
export interface ReferrersOptions extends AbortOptions {
  /**
   * The artifact type to list.
   *
   * @default all
   */
  artifactType?: string;
  /**
   * Whether to read the tag `sha256-<hex>` if the registry has no referrers API.
   *
   * @default true
   */
  fallback?: boolean;
}

/** The statuses of responses to a request for referrers, those of registries without the API included. */
export const REFERRERS_STATUSES: readonly number[] = [200, 400, 404, 405, 406];

/**
 * Reads the referrers of a manifest as an index (distribution-spec, "Listing Referrers"): from the API, else from the
 * tag `sha256-<hex>`. Empty if there are none.
 */
export async function fetchReferrers(
  client: Client,
  reference: DigestReference,
  options: ReferrersOptions = {},
): Promise<FetchedManifest> {
  const { artifactType, fallback = true } = options;
  const listed = await fetchFromApi(client, reference, options) ??
    (fallback ? await fetchFromTag(client, reference.repository, reference.identifier, options) : []);
  return await asManifest(
    artifactType ? listed.filter((descriptor) => descriptor.artifactType === artifactType) : listed,
  );
}

/** Returns the tag that replaces the referrers API (distribution-spec, "Referrers Tag Schema"). */
export function referrersTag(digest: Hash): string {
  return `${hashAlgorithm(digest)}-${hashHexDigits(digest)}`.slice(0, 128);
}

/**
 * Returns the tags under which cosign stores signatures, attestations and SBOMs of a manifest; none for a sha512 digest,
 * with which they would be longer than a tag may be.
 */
export function cosignTags(digest: Hash): string[] {
  if (hashAlgorithm(digest) === "sha512") return [];
  return ["sig", "att", "sbom"].map((ending) => `${referrersTag(digest)}.${ending}`);
}

/**
 * Reads the referrers from the tag that replaces the API. There are none where the tag is not an index, or where the
 * registry takes the tag for the digest of the subject.
 */
async function fetchFromTag(
  client: Client,
  repository: Repository,
  digest: Hash,
  options: AbortOptions,
): Promise<readonly Descriptor[]> {
  const found = await fetchTag(client, repository, digest, options);
  return found && isIndex(found.descriptor.mediaType) ? parseReferrers(found, repository, digest) : [];
}

/** Reads the manifest under the tag that replaces the API, unless it is the subject itself. */
export async function fetchTag(
  client: Client,
  repository: Repository,
  digest: Hash,
  options: AbortOptions,
): Promise<FetchedManifest | undefined> {
  const reference = repository.tag(referrersTag(digest));
  const found = await findOrUndefined(() => fetchManifest(client, reference, options));
  return found?.descriptor.digest === digest ? undefined : found;
}

/** Returns the referrers in the manifest under the tag. @throws {ManifestError} if it is not an index. */
export function parseReferrers(found: FetchedManifest, repository: Repository, digest: Hash): readonly Descriptor[] {
  return parseIndexManifest(found.bytes, `${repository.tag(referrersTag(digest))}`).manifests;
}

/** Creates an index of referrers with the digest of its bytes. */
export async function asManifest(manifests: readonly Descriptor[]): Promise<FetchedManifest> {
  const mediaType = MediaType.OciImageIndex;
  const index: IndexManifest = { schemaVersion: 2, mediaType, manifests };
  const bytes = indexManifestBytes(index);
  return { bytes, descriptor: { mediaType, digest: await digestBytes(bytes), size: bytes.length } };
}

/**
 * Reads all pages of referrers from the API. Returns `undefined` if the registry has no such API: it reports that, or
 * responds to the first request with something else than JSON, as some registries return a web page for every path.
 *
 * @throws {ProtocolError} if a response is JSON that is not a list, or a list is incomplete.
 */
export async function fetchFromApi(
  client: Client,
  reference: DigestReference,
  options: ReferrersOptions,
): Promise<Descriptor[] | undefined> {
  const { artifactType, signal } = options;
  const query = artifactType ? `?${new URLSearchParams({ artifactType })}` : "";
  const what = `the referrers of ${reference}`;
  const links = new LinkFollower(client, reference.repository, { limit: Limits.manifest, what });
  const found: Descriptor[] = [];
  let to: string | URL | undefined = `/referrers/${reference.identifier}${query}`;
  for (let page = 1; to !== undefined; page++) {
    const answer: WholeAnswer = await client.requestWhole(reference.repository, {
      method: "GET",
      to,
      access: "pull",
      expect: page === 1 ? REFERRERS_STATUSES : [200],
      headers: { accept: MediaType.OciImageIndex },
      patience: "slow",
      signal,
    }, { limit: Limits.manifest, what });
    const descriptors = page === 1 ? parseReferrersPage(answer) : descriptorsOf(answer);
    if (descriptors === undefined) return undefined;
    for (const descriptor of descriptors) found.push(descriptor);
    to = await links.next(answer);
  }
  return found;
}

/**
 * Parses a page of referrers. Returns `undefined` if the registry has no such API: it reports that, or responds with
 * something else than JSON.
 *
 * @throws {ProtocolError} if it is JSON that is not a list.
 */
export function parseReferrersPage(answer: WholeAnswer): readonly Descriptor[] | undefined {
  return answer.response.status === 200 && isJson(answer.response) ? descriptorsOf(answer) : undefined;
}

/** Returns the referrers of a page; `null` is an empty list. */
function descriptorsOf(answer: WholeAnswer): readonly Descriptor[] {
  const { fields, url } = parsePage(answer, "manifests");
  const manifests = fields.manifests ?? [];
  if (Array.isArray(manifests) && manifests.every(isDescriptor)) return manifests;
  throw notAList(url, '"manifests" is not a list of descriptors');
}

function isJson(response: Response): boolean {
  return /^[^;]*[/+]json\s*(;|$)/i.test(response.headers.get("content-type") ?? "");
}
