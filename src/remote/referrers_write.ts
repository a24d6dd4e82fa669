import type { AbortOptions } from "../io/mod.ts";
import type { Repository } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { type Descriptor, type Hash, isDescriptor, MediaType, parseJsonObject } from "../spec/mod.ts";
import { discard } from "../transport/mod.ts";
import { artifactFields } from "./artifact.ts";
import type { RemoteClient } from "./client.ts";
import { asManifest, fetchFromApi, fetchFromTag, referrersTag } from "./referrers.ts";

/** A manifest that was pushed, and may refer to another. */
interface PushedManifest {
  readonly bytes: Bytes;
  readonly mediaType: string;
  readonly digest: Hash;
}

/** The last change of each list of referrers: the next one waits for it, since a change reads, adds and writes. */
const changes = new WeakMap<RemoteClient, Map<string, Promise<void>>>();

/**
 * Adds a manifest to its subject's list of referrers where the registry keeps none itself (distribution-spec,
 * "Pushing Manifests with Subject"): the index under the tag `sha256-<hex>` is read, extended and written.
 */
export async function addReferrer(
  client: RemoteClient,
  repository: Repository,
  manifest: PushedManifest,
  options: AbortOptions,
): Promise<void> {
  const referrer = describeReferrer(manifest);
  if (!referrer) return;
  const { subject, descriptor } = referrer;
  if (await fetchFromApi(client, repository.digest(subject), options) !== undefined) return;

  const queue = changes.get(client) ?? new Map<string, Promise<void>>();
  changes.set(client, queue);
  const key = `${repository}@${subject}`;
  const change = (queue.get(key) ?? Promise.resolve())
    .then(() => extendTag(client, repository, { subject, descriptor }, options));
  const settled = change.catch(() => {}).then(() => {
    if (queue.get(key) === settled) queue.delete(key);
  });
  queue.set(key, settled);
  await change;
}

async function extendTag(
  client: RemoteClient,
  repository: Repository,
  { subject, descriptor }: { subject: Hash; descriptor: Descriptor },
  options: AbortOptions,
): Promise<void> {
  const listed = await fetchFromTag(client, repository, subject, options);
  if (listed.some(({ digest }) => digest === descriptor.digest)) return;
  const { bytes } = await asManifest([...listed, descriptor]);
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

/** What the list of referrers says of a manifest; `undefined` when it refers to nothing. */
function describeReferrer(manifest: PushedManifest): { subject: Hash; descriptor: Descriptor } | undefined {
  let value: Record<string, unknown>;
  try {
    value = parseJsonObject(manifest.bytes, "manifest");
  } catch {
    return undefined; // a registry may take manifests that are no JSON; they refer to nothing
  }
  if (!isDescriptor(value.subject)) return undefined;
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
