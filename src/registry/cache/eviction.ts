import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import type { Hash } from "../../spec/mod.ts";
import { Repositories } from "../content/repositories.ts";
import type { RegistryStore } from "../stores/store.ts";
import { lastUse, usedKey } from "./manifest_uses.ts";

/** Options of {@linkcode evictCachedContent}. */
export interface EvictCachedContentOptions extends AbortOptions {
  /**
   * For how many milliseconds a manifest stays that no client pulls.
   * @default without a limit
   */
  maxAge?: number;
  /**
   * The number of bytes that the blobs of all manifests may have; those that were pulled least recently go first.
   * @default without a limit
   */
  maxSize?: number;
  /**
   * Returns the time, in milliseconds since 1970.
   * @default Date.now
   */
  clock?: () => number;
}

const CONCURRENCY = 8;

interface CachedManifest {
  readonly name: string;
  readonly digest: Hash;
  readonly used: number;
  readonly named: ReadonlySet<Hash>;
}

/**
 * Removes the manifests of a pull-through cache that were not pulled for long or exceed a size, and returns their number.
 * A garbage collection then removes their blobs, after its grace. A client that asks for them again gets them from the
 * upstream.
 */
export async function evictCachedContent(
  store: RegistryStore,
  options: EvictCachedContentOptions,
): Promise<number> {
  const { maxAge = Infinity, maxSize = Infinity, clock = Date.now, signal } = options;
  const repositories = new Repositories(store, clock);
  const manifests: CachedManifest[] = [];
  for await (const name of repositories.eachName({ signal })) {
    const digests = await repositories.manifestDigests(name, { signal });
    manifests.push(
      ...await mapConcurrent(digests, { concurrency: CONCURRENCY, signal }, async (digest, signal) => ({
        name,
        digest,
        used: await lastUse(store, { name, digest, signal }) ??
          (await repositories.manifest(name, digest, { signal }))?.uploaded ?? 0,
        named: await repositories.digestsNamedBy(name, digest, { signal }),
      })),
    );
  }
  manifests.sort((one, other) => one.used - other.used);
  const oldest = clock() - maxAge;
  let size = maxSize === Infinity ? 0 : undefined;
  const sizes = size === undefined ? await blobSizes(store, manifests, signal) : new Map<Hash, number>();
  const users = new Map<Hash, number>();
  for (const { named } of manifests) for (const digest of named) users.set(digest, (users.get(digest) ?? 0) + 1);
  size ??= [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  let removed = 0;
  for (const { name, digest, used, named } of manifests) {
    if (used >= oldest && size <= maxSize) break;
    signal?.throwIfAborted();
    if (await repositories.deleteManifest(name, digest)) removed++;
    await store.records.delete(usedKey(name, digest));
    for (const blob of named) {
      users.set(blob, users.get(blob)! - 1);
      if (users.get(blob) === 0) size -= sizes.get(blob) ?? 0;
    }
  }
  return removed;
}

/** Returns the sizes of the blobs that manifests name, as far as the store has them. */
async function blobSizes(
  { blobs }: RegistryStore,
  manifests: readonly CachedManifest[],
  signal: AbortSignal | undefined,
): Promise<Map<Hash, number>> {
  const digests = new Set(manifests.flatMap(({ named }) => [...named]));
  return new Map(
    await mapConcurrent(
      digests,
      { concurrency: CONCURRENCY, signal },
      async (digest, signal) => [digest, (await blobs.get(digest, { signal }))?.size ?? 0] as const,
    ),
  );
}
