import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import { Repositories } from "../content/repositories.ts";
import { UploadSessions } from "../content/upload_sessions.ts";
import type { RegistryStore } from "../stores/store.ts";
import { limitCalls } from "./call_limit.ts";
import { parsePrefixes, prefixDigits } from "./digest_prefixes.ts";
import { type GarbageBlob, GarbagePasses } from "./garbage_pass.ts";
import { ProgressRecord } from "./garbage_progress.ts";
import { MentionRepair } from "./mention_repair.ts";

const HOUR = 3_600_000;
/** The shortest grace, in milliseconds: longer than any time between the look for a blob and the write of its manifest. */
const SHORTEST_GRACE = 60_000;
/** The number of calls of the store that are under way at a time. */
const CALLS = 64;
/** The entries that passes side by side hold together, unless one pass alone holds more. */
const ENTRIES = 50_000;

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
   * The digests to look through, by their first two hexadecimal digits: `00-3f` or `a7`. Several processes with a part each
   * share the work. Abandoned uploads are those of the process with `00`.
   * @default "00-ff"
   */
  prefix?: string;
  /**
   * Called with each blob that was removed, or would be.
   * @default nothing
   */
  onBlob?: (blob: GarbageBlob) => void;
  /**
   * Called with the id of each upload that was removed, or would be.
   * @default nothing
   */
  onUpload?: (id: string) => void;
  /**
   * Returns the time, in milliseconds since 1970; give the clock of the registry if that has one of its own.
   * @default Date.now
   */
  clock?: () => number;
}

/** How much {@linkcode collectStoreGarbage} removed, or would remove. */
export interface StoreGarbage {
  /** The number of blobs that no manifest mentioned. */
  readonly blobs: number;
  /** The number of the blobs' bytes. */
  readonly bytes: number;
  /** The number of uploads that were abandoned. */
  readonly uploads: number;
}

/**
 * Removes the content of a store that no repository needs: blobs that no manifest mentions, links to blobs that no
 * manifest of the repository mentions, and abandoned uploads. Manifests stay, tagged or not.
 *
 * It may run while any number of registries serve the same store, and removes nothing that is pushed meanwhile. It first
 * compares, in all repositories, the manifests with the records of what they mention, and completes these. Then it removes
 * each blob that no manifest mentions and no registry has relied on within the grace: a registry claims a blob, and looks
 * for it afterwards, before it answers a HEAD, mounts the blob or accepts a manifest that names it. A manifest whose blob
 * has just been removed is refused, so that the client sends the blob again.
 *
 * It works in 256 passes, by the first two digits of the digests, and holds the entries of one pass at a time; those of a
 * small store are made side by side. A collection that is cut off is continued by the next one of the same prefixes within
 * a week.
 *
 * @throws {StoreError} if a manifest without a record can't be read, whose blobs are then unknown, before anything is
 * removed; or if the store fails, which may be after some blobs were removed.
 * @throws {RangeError} if the grace is less than a minute, or the prefix is none.
 */
export async function collectStoreGarbage(
  store: RegistryStore,
  options: CollectStoreGarbageOptions = {},
): Promise<StoreGarbage> {
  const { grace = 24 * HOUR, uploadExpiry = 24 * HOUR, dryRun = false, clock = Date.now, signal } = options;
  if (!(grace >= SHORTEST_GRACE)) throw new RangeError("the grace of a garbage collection is at least a minute");
  const prefixes = parsePrefixes(options.prefix ?? "00-ff");
  const limited = limitCalls(store, CALLS);
  const repositories = new Repositories(limited, clock);
  const record = new ProgressRecord(limited.records, prefixes);
  const now = clock();
  // What was pushed since the beginning is protected by its claims, however long ago that was.
  let progress = dryRun ? undefined : await record.load(now, { signal });
  const { begun } = progress ?? { begun: now };
  const cutoff = begun - grace;
  if (!progress) {
    await new MentionRepair(limited.records, repositories, { cutoff, dryRun, signal }).run();
    if (!dryRun && prefixes.first === 0) await repositories.claims.forgetOld(cutoff, { signal });
    progress = { begun, next: prefixes.first };
    if (!dryRun) await record.save(progress, { signal });
  }

  const total = { blobs: 0, bytes: 0, uploads: 0 };
  const onBlob = (blob: GarbageBlob) => {
    total.blobs++;
    total.bytes += blob.size;
    options.onBlob?.(blob);
  };
  const passes = await GarbagePasses.begin(limited, { repositories, cutoff, dryRun, onBlob, signal });
  for (let { next } = progress, width = 1; next <= prefixes.last;) {
    const count = Math.min(width, prefixes.last + 1 - next);
    const sizes = await mapConcurrent(
      Array.from({ length: count }, (_, i) => prefixDigits(next + i)),
      { concurrency: count, signal },
      (digits, signal) => passes.run(digits, { signal }),
    );
    width = Math.max(1, Math.min(CALLS, Math.floor(ENTRIES / Math.max(1, ...sizes))));
    next += count;
    if (!dryRun) await record.save({ begun, next }, { signal });
  }

  if (prefixes.first === 0) {
    if (!dryRun) await repositories.claims.forgetRemovals({ signal });
    const sessions = new UploadSessions(store, clock);
    for (const id of await sessions.expire({ before: begun - uploadExpiry, dryRun, signal })) {
      total.uploads++;
      options.onUpload?.(id);
    }
  }
  if (!dryRun) await record.remove();
  return total;
}
