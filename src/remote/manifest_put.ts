import { type AbortOptions, digestBytes } from "../io/mod.ts";
import type { Reference } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { type Hash, hashAlgorithm } from "../spec/mod.ts";
import { discard } from "../transport/internal.ts";
import type { Client } from "./client.ts";
import { addReferrer } from "./referrers_write.ts";

/** A manifest of any type with its bytes, to be pushed to a repository. */
export interface ManifestBytes {
  /** The bytes. */
  readonly bytes: Bytes;
  /** The media type. */
  readonly mediaType: string;
}

/**
 * The time at which a manifest with a subject is added to the subject's referrers list, on registries without the
 * referrers API.
 */
export type ReferrersTime = "before" | "after" | "never";

/** Options of {@linkcode putManifest}. */
export interface PutManifestOptions extends AbortOptions {
  /**
   * The time at which a manifest with a subject is added to the subject's referrers list, on registries without the
   * referrers API. With "before", an interruption can leave an entry without its manifest; with "after", a manifest
   * without its entry.
   *
   * @default "after"
   */
  referrers?: ReferrersTime;
}

/**
 * Pushes a manifest of any type under a tag or its digest; its content must be there (distribution-spec, "Pushing
 * Manifests"). Adds a manifest with a subject to the referrers list on registries without the referrers API.
 *
 * @returns its digest
 */
export async function putManifest(
  client: Client,
  reference: Reference,
  { bytes, mediaType }: ManifestBytes,
  options: PutManifestOptions = {},
): Promise<Hash> {
  const { referrers = "after", signal } = options;
  const digest = await digestBytes(bytes, reference.kind === "digest" ? hashAlgorithm(reference.identifier) : "sha256");
  const list = () => addReferrer(client, reference.repository, { bytes, mediaType, digest }, { signal });
  if (referrers === "before") await list();
  const { response } = await client.request(reference.repository, {
    method: "PUT",
    to: `/manifests/${reference.identifier}`,
    access: "push",
    expect: [200, 201, 202],
    headers: { "content-type": mediaType },
    body: bytes,
    signal,
  });
  await discard(response);
  if (referrers === "after" && !response.headers.has("oci-subject")) await list();
  return digest;
}
