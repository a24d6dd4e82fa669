import { HttpError } from "../errors.ts";
import { type AbortOptions, digestBytes, Limits, readAll } from "../io/mod.ts";
import type { DigestReference, Repository } from "../name/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import {
  type Descriptor,
  type Hash,
  hashAlgorithm,
  hashHexDigits,
  type IndexManifest,
  jsonBytes,
  MediaType,
  parseIndexManifest,
} from "../spec/mod.ts";
import { checkLink, discard, resolveLocation } from "../transport/mod.ts";
import type { RemoteClient } from "./client.ts";
import { type FetchedManifest, fetchManifest } from "./manifest_fetch.ts";

/** Options of a look-up of referrers. */
export interface ReferrersOptions extends AbortOptions {
  /**
   * The type of the artifacts that are wanted.
   * @default all
   */
  artifactType?: string;
}

/**
 * What refers to a manifest, as an index (distribution-spec, "Listing Referrers"): from the API, else from the tag
 * `sha256-<hex>`. Empty when there is nothing.
 */
export async function fetchReferrers(
  client: RemoteClient,
  reference: DigestReference,
  options: ReferrersOptions = {},
): Promise<FetchedManifest> {
  const listed = await fetchFromApi(client, reference, options) ??
    await fetchFromTag(client, reference.context, reference.identifier, options);
  const { artifactType } = options;
  return await asManifest(
    artifactType ? listed.filter((descriptor) => descriptor.artifactType === artifactType) : listed,
  );
}

/** The tag that stands in for the referrers API (distribution-spec, "Referrers Tag Schema"). */
export function referrersTag(digest: Hash): string {
  return `${hashAlgorithm(digest)}-${hashHexDigits(digest)}`.slice(0, 128);
}

/** The referrers by the tag that stands in for the API. */
export async function fetchFromTag(
  client: RemoteClient,
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

/** The referrers by the API, all pages; `undefined` when the registry has no such API. */
export async function fetchFromApi(
  client: RemoteClient,
  reference: DigestReference,
  options: ReferrersOptions,
): Promise<Descriptor[] | undefined> {
  const { artifactType, signal } = options;
  const query = artifactType ? `?${new URLSearchParams({ artifactType })}` : "";
  const found: Descriptor[] = [];
  const seen = new Set<string>();
  let to: string | URL | undefined = `/referrers/${reference.identifier}${query}`;
  while (to !== undefined) {
    const { response, url } = await client.request(reference.context, {
      method: "GET",
      to,
      access: "pull",
      expect: [200, 400, 404, 405, 406],
      headers: { accept: MediaType.OciImageIndex },
      signal,
    });
    const type = response.headers.get("content-type")?.split(";", 1)[0].trim();
    if (response.status !== 200 || type !== MediaType.OciImageIndex) {
      await discard(response);
      return undefined;
    }
    const what = `the referrers of ${reference}`;
    const bytes = await readAll(response.body as ByteStream, { limit: Limits.manifest, what, signal });
    found.push(...parseIndexManifest(bytes, what).manifests);
    const link: string | undefined = /<([^>]*)>/.exec(response.headers.get("link") ?? "")?.[1];
    to = link === undefined ? undefined : resolveLocation(link, url);
    if (to === undefined) return found;
    checkLink(to, (await client.connection(reference.context.registry).ping({ signal })).base);
    if (seen.has(to.href)) return found;
    seen.add(to.href);
  }
  return found;
}
