import type { AbortOptions } from "../io/mod.ts";
import type { DigestReference, Repository } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { isDescriptor } from "../spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../spec/mod.ts";
import { discard } from "../transport/internal.ts";
import { artifactFields, fieldsOf } from "./manifest_fetch.ts";
import type { Client } from "./client.ts";
import { asManifest, fetchFromApi, fetchTag, parseReferrers, referrersTag } from "./referrers.ts";

/** A pushed manifest, which may have a subject. */
interface PushedManifest {
  readonly bytes: Bytes;
  readonly mediaType: string;
  readonly digest: Hash;
}

/**
 * Adds a manifest to its subject's referrers list on a registry without the referrers API (distribution-spec, "Pushing
 * Manifests with Subject"): reads, extends and writes the index under the tag `sha256-<hex>`.
 */
export async function addReferrer(
  client: Client,
  repository: Repository,
  manifest: PushedManifest,
  options: AbortOptions,
): Promise<void> {
  const referrer = describeReferrer(manifest);
  if (!referrer) return;
  const { subject, descriptor } = referrer;
  await changeTag(client, repository.digest(subject), options, (listed) => {
    return listed.some(({ digest }) => digest === descriptor.digest) ? listed : [...listed, descriptor];
  });
}

/**
 * Removes a deleted manifest from its subject's referrers list on a registry without the referrers API
 * (distribution-spec, "Deleting Manifests").
 */
export async function removeReferrer(
  client: Client,
  repository: Repository,
  { subject, digest }: { subject: Hash; digest: Hash },
  options: AbortOptions,
): Promise<void> {
  await changeTag(client, repository.digest(subject), options, (listed) => {
    return listed.some((it) => it.digest === digest) ? listed.filter((it) => it.digest !== digest) : listed;
  });
}

/** Returns the digest of a manifest's subject, if it has one. */
export function subjectOf(manifest: Bytes): Hash | undefined {
  const subject = fieldsOf(manifest)?.subject;
  return isDescriptor(subject) ? subject.digest : undefined;
}

type Change = (listed: readonly Descriptor[]) => readonly Descriptor[];

/** Changes the index under the tag that replaces the API, after the earlier changes of this client. */
async function changeTag(
  client: Client,
  subject: DigestReference,
  options: AbortOptions,
  change: Change,
): Promise<void> {
  if (await fetchFromApi(client, subject, options) !== undefined) return;
  await client.changeReferrers(subject.name, () => rewriteTag(client, subject, options, change), options);
}

async function rewriteTag(
  client: Client,
  { repository, identifier: subject }: DigestReference,
  options: AbortOptions,
  change: Change,
): Promise<void> {
  const found = await fetchTag(client, repository, subject, options);
  // An image under this tag is not ours to replace.
  const listed = found ? parseReferrers(found, repository, subject) : [];
  const changed = change(listed);
  if (changed === listed) return;
  const { bytes } = await asManifest(changed);
  const { response } = await client.request(repository, {
    method: "PUT",
    to: `/manifests/${referrersTag(subject)}`,
    access: "push",
    expect: [200, 201, 202],
    headers: { "content-type": MediaType.OciImageIndex },
    body: bytes,
    signal: options.signal,
  });
  await discard(response);
}

/** Returns the descriptor of a manifest in the referrers list, or `undefined` if it has no subject. */
function describeReferrer(manifest: PushedManifest): { subject: Hash; descriptor: Descriptor } | undefined {
  const value = fieldsOf(manifest.bytes);
  if (!isDescriptor(value?.subject)) return undefined;
  return {
    subject: value.subject.digest,
    descriptor: {
      mediaType: manifest.mediaType,
      digest: manifest.digest,
      size: manifest.bytes.length,
      ...artifactFields(value),
    },
  };
}
