import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import type { Hash } from "../../spec/mod.ts";
import { keyDigests } from "../stores/store_key.ts";
import { Repositories } from "../content/repositories.ts";
import type { RegistryStore } from "../stores/store.ts";
import { UploadSessions } from "../content/upload_sessions.ts";

const HOUR = 3_600_000;
/** The shortest grace, in milliseconds: longer than any time between the look for a blob and the write of its manifest. */
const SHORTEST_GRACE = 60_000;
const CONCURRENCY = 8;
const PAGE = 1_000;

/** Options of {@linkcode collectStoreGarbage}. */
export interface CollectStoreGarbageOptions extends AbortOptions {
  /**
   * How long a blob stays that no manifest names, in milliseconds; at least a minute. A push that takes longer between
   * its first blob and its manifest may have to send blobs again.
   * @default 86400000
   */
  grace?: number;
  /**
   * How long an upload stays that gets no more bytes, in milliseconds.
   * @default 86400000
   */
  uploadExpiry?: number;
  /**
   * Whether to report what would be removed, and to remove nothing.
   * @default false
   */
  dryRun?: boolean;
  /**
   * Returns the time, in milliseconds since 1970; give the clock of the registry if that has one of its own.
   * @default Date.now
   */
  clock?: () => number;
}

/** The content that {@linkcode collectStoreGarbage} removed, or would remove. */
export interface StoreGarbage {
  /** The blobs that no manifest named. */
  readonly blobs: readonly { readonly digest: Hash; readonly size: number }[];
  /** The number of the blobs' bytes. */
  readonly bytes: number;
  /** The ids of the uploads that were abandoned. */
  readonly uploads: readonly string[];
}

/**
 * Removes the content of a store that no repository needs: blobs that no manifest names, links to blobs that no manifest
 * of the repository names, and abandoned uploads. Manifests stay, tagged or not.
 *
 * It may run while any number of registries serve the same store, and removes nothing that is pushed meanwhile. It first
 * reads all manifests. Then it removes, one blob at a time, each blob that no manifest names and no registry has relied
 * on within the grace: a registry claims a blob, and looks for it afterwards, before it answers a HEAD, mounts the blob
 * or accepts a manifest that names it. A manifest whose blob has just been removed is refused, so that the client sends
 * the blob again.
 *
 * @throws {StoreError} if a manifest can't be read, whose blobs are then unknown, before anything is removed; or if the
 * store fails, which may be after some blobs were removed.
 * @throws {RangeError} if the grace is less than a minute.
 */
export async function collectStoreGarbage(
  store: RegistryStore,
  options: CollectStoreGarbageOptions = {},
): Promise<StoreGarbage> {
  const { grace = 24 * HOUR, uploadExpiry = 24 * HOUR, dryRun = false, clock = Date.now, signal } = options;
  if (!(grace >= SHORTEST_GRACE)) throw new RangeError("the grace of a garbage collection is at least a minute");
  const begun = clock();
  const repositories = new Repositories(store, clock);
  const marked = await mark(repositories, signal);
  const cutoff = begun - grace;
  const sweep: SweepState = { store, repositories, ...marked, cutoff, dryRun, signal };
  const blobs = await sweepBlobs(sweep);
  if (!dryRun) {
    await sweepClaims(sweep);
    await repositories.claims.forgetRemovals({ signal });
  }
  const sessions = new UploadSessions(store, clock);
  const uploads = await sessions.expire({ before: begun - uploadExpiry, dryRun, signal });
  return { blobs, bytes: blobs.reduce((sum, { size }) => sum + size, 0), uploads };
}

/** The digests that the manifests name. */
interface Marked {
  /** The digests that any manifest names. */
  readonly named: ReadonlySet<Hash>;
  /** The repositories with a link to a blob that none of their own manifests names. */
  readonly idle: ReadonlyMap<Hash, readonly string[]>;
}

interface SweepState extends Marked {
  readonly store: RegistryStore;
  readonly repositories: Repositories;
  readonly cutoff: number;
  readonly dryRun: boolean;
  readonly signal: AbortSignal | undefined;
}

async function mark(repositories: Repositories, signal: AbortSignal | undefined): Promise<Marked> {
  const named = new Set<Hash>();
  const idle = new Map<Hash, string[]>();
  for await (const name of repositories.eachName({ signal })) {
    const namedHere = new Set<Hash>();
    const linked = await repositories.blobDigests(name, { signal });
    const manifests = await repositories.manifestDigests(name, { signal });
    await mapConcurrent(manifests, { concurrency: CONCURRENCY, signal }, async (manifest, signal) => {
      for (const digest of await repositories.digestsNamedBy(name, manifest, { signal })) namedHere.add(digest);
    });
    for (const digest of namedHere) named.add(digest);
    for (const digest of linked) {
      if (!namedHere.has(digest)) idle.set(digest, [...idle.get(digest) ?? [], name]);
    }
  }
  return { named, idle };
}

async function sweepBlobs(sweep: SweepState): Promise<{ digest: Hash; size: number }[]> {
  const { store, named, idle, signal } = sweep;
  const removed = await mapConcurrent(candidates(), { concurrency: CONCURRENCY, signal }, async (digest, signal) => {
    const size = await sweepBlob({ ...sweep, signal }, digest);
    return size === undefined ? [] : [{ digest, size }];
  });
  return removed.flat();

  async function* candidates(): AsyncGenerator<Hash, void, undefined> {
    const listed = new Set<Hash>();
    for await (const digest of store.blobs.list({ signal })) {
      if (named.has(digest)) continue;
      listed.add(digest);
      yield digest;
    }
    for (const digest of idle.keys()) if (!listed.has(digest)) yield digest;
  }
}

/** Removes one blob, unless a manifest names it, and the idle links to it; returns its size if the blob was removed. */
async function sweepBlob(sweep: SweepState, digest: Hash): Promise<number | undefined> {
  const { store, repositories, named, idle, cutoff, dryRun, signal } = sweep;
  const { claims } = repositories;
  const blob = await store.blobs.get(digest, { signal });
  if (await claims.lastClaim(digest, blob, { signal }) >= cutoff) return undefined;
  const isGarbage = !named.has(digest);
  if (dryRun) return isGarbage ? blob?.size : undefined;

  let isGone = false;
  const steps: (() => Promise<unknown>)[] = [];
  for (const name of idle.get(digest) ?? []) steps.push(() => repositories.unlinkBlob(name, digest));
  if (isGarbage) {
    steps.push(async () => isGone = await store.blobs.delete(digest), () => claims.forget(digest));
  }
  await claims.remove(digest, { unclaimedSince: cutoff, steps, signal });
  return isGone ? blob?.size ?? 0 : undefined;
}

/** Removes old claims of missing blobs, such as those of uploads that had another digest. */
async function sweepClaims({ store, repositories, named, cutoff, signal }: SweepState): Promise<void> {
  const { claims } = repositories;
  for (let after: string | undefined, isLast = false; !isLast;) {
    const keys = await store.records.list("claims/", { after, limit: PAGE, signal });
    isLast = keys.length < PAGE;
    after = keys.at(-1);
    const unnamed = keyDigests(keys).filter((digest) => !named.has(digest));
    await mapConcurrent(unnamed, { concurrency: CONCURRENCY, signal }, async (digest, signal) => {
      const isOld = async () =>
        !await store.blobs.get(digest, { signal }) && await claims.lastClaim(digest, undefined, { signal }) < cutoff;
      if (!await isOld()) return;
      const steps = [async () => {
        if (await isOld()) await claims.forget(digest);
      }];
      await claims.remove(digest, { unclaimedSince: cutoff, steps, signal });
    });
  }
}
