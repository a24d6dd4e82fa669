import { delay } from "@std/async/delay";
import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import type { Hash } from "../../spec/mod.ts";
import { digestKey, digestPrefix } from "../stores/store_key.ts";
import { deleteRecords, type RegistryStore, type StoredBlob } from "../stores/store.ts";
import { namePages } from "./listed_names.ts";

/** A claim of this age or younger need not be renewed, in milliseconds. */
export const FRESH_MS = 30_000;
/** The longest time of a removal, in milliseconds; after it, a removal gives up before its next step. */
const REMOVAL_MS = 10_000;
/** The age at which the record of a removal no longer counts, in milliseconds: its server was killed. */
const ABANDONED_MS = 60_000;
const POLL_MS = 50;
const CONCURRENCY = 64;
/** The path of all claims. */
export const CLAIMS = "claims/";
/** Sorts after the two digits of a path of claims, and before the claims of an older version. */
const AFTER_DIGITS = "g";

/**
 * Keeps the garbage collection from blobs that a server relies on, for any number of servers over one store, by records
 * alone:
 *
 * | Key | Value |
 * |---|---|
 * | `claims/<digits>/<digest>` | when a server last relied on the blob: for an upload, a mount, a HEAD, a manifest |
 * | `removals/<digest>/<id>` | when a removal of it began |
 *
 * A server that relies on a blob first writes its claim, then looks for removals and waits until there is none. A removal
 * first writes its own record, then reads the claim, and leaves the blob alone if that is recent. In any order, one of
 * them sees the other: a blob is removed either before a server relies on it, which then finds it missing, or not at all.
 *
 * The digits are the first two of the digest. Claims of older versions, `claims/<digest>`, count too.
 *
 * Times are those of the servers' clocks, which must agree to within half a minute. The record of a removal whose server
 * was killed counts for a minute.
 */
export class BlobClaims {
  readonly #store: RegistryStore;
  readonly #clock: () => number;

  /** Makes the claims of a store; the clock gives milliseconds since 1970. */
  constructor(store: RegistryStore, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Protects a blob from removal for the grace. It may be missing already, so the caller looks for it afterwards. */
  async claim(digest: Hash, options: AbortOptions = {}): Promise<void> {
    do await this.note(digest, options); while (await this.#waitForRemoval(digest, options));
  }

  /** Starts the grace of a blob that will soon not be needed, without a wait for removals. */
  async note(digest: Hash, options: AbortOptions = {}): Promise<void> {
    const value = new TextEncoder().encode(String(this.#clock()));
    await this.#store.records.put(claimKey(digest), value, { durable: false, ...options });
  }

  /** Returns when a server last relied on a blob, in milliseconds since 1970; 0 for one without claim and sound bytes. */
  async lastClaim(digest: Hash, blob: StoredBlob | undefined, options?: AbortOptions): Promise<number> {
    const { records } = this.#store;
    const claim = await records.get(claimKey(digest), options) ?? await records.get(oldClaimKey(digest), options);
    return Math.max(blob?.modified ?? 0, claim ? timeOf(claim) : 0);
  }

  /**
   * Removes blobs or links to them, in steps, each for all blobs that no server relied on since a time. The steps end when
   * they take too long; returns whether all were done.
   *
   * @param options.unclaimedSince that time, in milliseconds since 1970
   */
  async remove<T extends { readonly digest: Hash }>(
    blobs: readonly T[],
    options: {
      unclaimedSince: number;
      steps: Iterable<(blobs: readonly T[]) => Promise<unknown>>;
      signal?: AbortSignal;
    },
  ): Promise<boolean> {
    const { unclaimedSince, steps, signal } = options;
    const { records } = this.#store;
    const id = crypto.randomUUID();
    const begun = this.#clock();
    const value = new TextEncoder().encode(String(begun));
    const keys = blobs.map(({ digest }) => removalPath(digest) + id);
    const pool = { concurrency: CONCURRENCY, signal };
    try {
      await mapConcurrent(keys, pool, (key, signal) => records.put(key, value, { durable: false, signal }));
      const unclaimed = await mapConcurrent(blobs, pool, async (blob, signal) => {
        const stored = await this.#store.blobs.get(blob.digest, { signal });
        return await this.lastClaim(blob.digest, stored, { signal }) < unclaimedSince ? [blob] : [];
      });
      for (const step of steps) {
        signal?.throwIfAborted();
        if (this.#clock() - begun > REMOVAL_MS) return false; // the records may no longer count
        await step(unclaimed.flat());
      }
      return true;
    } finally {
      await deleteRecords(records, keys);
    }
  }

  /** Removes the claims of blobs that are gone, as a step of their removal. */
  async forget(digests: readonly Hash[]): Promise<void> {
    await deleteRecords(this.#store.records, digests.flatMap((digest) => [claimKey(digest), oldClaimKey(digest)]));
  }

  /** Removes the claims of an older version that were made before a time, in milliseconds since 1970. */
  async forgetOld(before: number, options: AbortOptions = {}): Promise<void> {
    const { records } = this.#store;
    for await (const keys of namePages(records, CLAIMS, { after: AFTER_DIGITS, ...options })) {
      const old = await mapConcurrent(keys, { concurrency: CONCURRENCY, ...options }, async (key, signal) => {
        const value = await records.get(CLAIMS + key, { signal });
        return value && timeOf(value) < before ? [CLAIMS + key] : [];
      });
      await deleteRecords(records, old.flat(), options);
    }
  }

  /** Removes the records of removals whose server was killed; a claim does so only for its own blob. */
  async forgetRemovals(options: AbortOptions): Promise<void> {
    const { records } = this.#store;
    for (const folder of await records.list("removals/", options)) {
      for (const id of await records.list(`removals/${folder}`, options)) {
        await this.#forgetAbandoned(`removals/${folder}${id}`, options);
      }
    }
  }

  /** Waits for the end of all removals of a blob; returns whether there was one. */
  async #waitForRemoval(digest: Hash, options: AbortOptions): Promise<boolean> {
    const path = removalPath(digest);
    let waited = false;
    for (;;) {
      const ids = await this.#store.records.list(path, options);
      if (ids.length === 0) return waited;
      waited = true;
      for (const id of ids) await this.#forgetAbandoned(path + id, options);
      await delay(POLL_MS, options);
    }
  }

  async #forgetAbandoned(key: string, options: AbortOptions): Promise<void> {
    const begun = await this.#store.records.get(key, options);
    if (begun && this.#clock() - timeOf(begun) > ABANDONED_MS) await this.#store.records.delete(key, options);
  }
}

function claimKey(digest: Hash): string {
  return `${claimsPath(digestPrefix(digest))}${digestKey(digest)}`;
}

function oldClaimKey(digest: Hash): string {
  return CLAIMS + digestKey(digest);
}

/** Returns the path of the claims of all digests with the same first two digits. */
export function claimsPath(digits: string): string {
  return `${CLAIMS}${digits}/`;
}

function removalPath(digest: Hash): string {
  return `removals/${digestKey(digest)}/`;
}

function timeOf(value: Uint8Array): number {
  return Number(new TextDecoder().decode(value)) || 0;
}
