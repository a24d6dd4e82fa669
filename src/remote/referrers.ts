import { HttpError, LimitError } from "../errors.ts";
import { type AbortOptions, digestBytes, Limits } from "../io/mod.ts";
import type { DigestReference, Repository } from "../name/mod.ts";
import {
  type Descriptor,
  type Hash,
  hashAlgorithm,
  hashHexDigits,
  type IndexManifest,
  isDescriptor,
  jsonBytes,
  MediaType,
  parseIndexManifest,
} from "../spec/mod.ts";
import type { WholeAnswer } from "../transport/mod.ts";
import type { Client } from "./client.ts";
import { LinkFollower } from "./links.ts";
import { notAList, parsePage } from "./list_page.ts";
import { type FetchedManifest, fetchManifest } from "./manifest_fetch.ts";

/** Options of a look-up of referrers. */
export interface ReferrersOptions extends AbortOptions {
  /**
   * The type of the artifacts that are wanted.
   * @default all
   */
  artifactType?: string;
  /**
   * Whether the tag `sha256-<hex>` is looked at where the registry has no such API.
   * @default true
   */
  fallback?: boolean;
}

/**
 * What refers to a manifest, as an index (distribution-spec, "Listing Referrers"): from the API, else from the tag
 * `sha256-<hex>`. Empty when there is nothing.
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

/** The tag that stands in for the referrers API (distribution-spec, "Referrers Tag Schema"). */
export function referrersTag(digest: Hash): string {
  return `${hashAlgorithm(digest)}-${hashHexDigits(digest)}`.slice(0, 128);
}

/** The tags under which cosign stores signatures, attestations and SBOMs of a manifest; a sha512 is too long for one. */
export function cosignTags(digest: Hash): string[] {
  if (hashAlgorithm(digest) === "sha512") return [];
  return ["sig", "att", "sbom"].map((ending) => `${referrersTag(digest)}.${ending}`);
}

/** The referrers by the tag that stands in for the API. */
export async function fetchFromTag(
  client: Client,
  repository: Repository,
  digest: Hash,
  options: AbortOptions,
): Promise<readonly Descriptor[]> {
  const reference = repository.tag(referrersTag(digest));
  try {
    const { bytes } = await fetchManifest(client, reference, options);
    return parseIndexManifest(bytes, `${reference}`).manifests;
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return [];
    throw error;
  }
}

/** An index of referrers, with the digest of its bytes. */
export async function asManifest(manifests: readonly Descriptor[]): Promise<FetchedManifest> {
  const mediaType = MediaType.OciImageIndex;
  const index: IndexManifest = { schemaVersion: 2, mediaType, manifests };
  const bytes = jsonBytes(index);
  return { bytes, descriptor: { mediaType, digest: await digestBytes(bytes), size: bytes.length } };
}

/**
 * The referrers by the API, all pages; `undefined` when the registry has no such API: it says so, or answers the first
 * request with something else than JSON, as registries do that answer every path with a web page.
 *
 * @throws {ProtocolError} when it answers with JSON that is no list, or with a part of one.
 */
export async function fetchFromApi(
  client: Client,
  reference: DigestReference,
  options: ReferrersOptions,
): Promise<Descriptor[] | undefined> {
  const { artifactType, signal } = options;
  const query = artifactType ? `?${new URLSearchParams({ artifactType })}` : "";
  const what = `the referrers of ${reference}`;
  const links = new LinkFollower(client, reference.registry);
  const found: Descriptor[] = [];
  let size = 0;
  let to: string | URL | undefined = `/referrers/${reference.identifier}${query}`;
  for (let page = 1; to !== undefined; page++) {
    const answer: WholeAnswer = await client.requestWhole(reference.repository, {
      method: "GET",
      to,
      access: "pull",
      expect: page === 1 ? [200, 400, 404, 405, 406] : [200],
      headers: { accept: MediaType.OciImageIndex },
      signal,
    }, { limit: Limits.manifest, what });
    if (page === 1 && !(answer.response.status === 200 && isJson(answer.response))) return undefined;
    size += answer.bytes.length;
    if (size > Limits.manifest) throw new LimitError(`${what} are more than ${Limits.manifest} bytes`);
    found.push(...descriptorsOf(answer));
    to = await links.next(answer);
  }
  return found;
}

/** The referrers on a page; `null` stands for none. */
function descriptorsOf(answer: WholeAnswer): readonly Descriptor[] {
  const { fields, url } = parsePage(answer, "manifests");
  const manifests = fields.manifests ?? [];
  if (Array.isArray(manifests) && manifests.every(isDescriptor)) return manifests;
  throw notAList(url, '"manifests" is not a list of descriptors');
}

function isJson(response: Response): boolean {
  return /^[^;]*[/+]json\s*(;|$)/i.test(response.headers.get("content-type") ?? "");
}
