import { delay } from "@std/async/delay";
import type { AbortOptions } from "../../io/mod.ts";
import type { Hash } from "../../spec/mod.ts";
import { digestKey } from "../stores/store_key.ts";
import type { RegistryStore, StoredBlob } from "../stores/store.ts";

/** A claim of this age or younger need not be renewed, in milliseconds. */
export const FRESH_MS = 30_000;
/** The longest time of a removal, in milliseconds; after it, a removal gives up before its next step. */
const REMOVAL_MS = 10_000;
/** The age at which the record of a removal no longer counts, in milliseconds: its server was killed. */
const ABANDONED_MS = 60_000;
const POLL_MS = 50;

/**
 * Keeps the garbage collection from blobs that a server relies on, for any number of servers over one store, by records
 * alone:
 *
 * | Key | Value |
 * |---|---|
 * | `claims/<digest>` | when a server last relied on the blob: for an upload, a mount, a HEAD, a manifest |
 * | `removals/<digest>/<id>` | when a removal of it began |
 *
 * A server that relies on a blob first writes its claim, then looks for removals and waits until there is none. A removal
 * first writes its own record, then reads the claim, and leaves the blob alone if that is recent. In any order, one of
 * them sees the other: a blob is removed either before a server relies on it, which then finds it missing, or not at all.
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
    const claim = await this.#store.records.get(claimKey(digest), options);
    return Math.max(blob?.modified ?? 0, claim ? timeOf(claim) : 0);
  }

  /**
   * Removes a blob or links to it, in steps, unless a server relied on it since a time. Returns whether all steps were done.
   *
   * @param options.unclaimedSince that time, in milliseconds since 1970
   */
  async remove(
    digest: Hash,
    options: { unclaimedSince: number; steps: Iterable<() => Promise<unknown>>; signal?: AbortSignal },
  ): Promise<boolean> {
    const { unclaimedSince, steps, signal } = options;
    const key = removalPath(digest) + crypto.randomUUID();
    const begun = this.#clock();
    await this.#store.records.put(key, new TextEncoder().encode(String(begun)), { durable: false, signal });
    try {
      if (await this.lastClaim(digest, await this.#store.blobs.get(digest, { signal }), { signal }) >= unclaimedSince) {
        return false;
      }
      for (const step of steps) {
        signal?.throwIfAborted();
        if (this.#clock() - begun > REMOVAL_MS) return false; // its record may no longer count
        await step();
      }
      return true;
    } finally {
      await this.#store.records.delete(key);
    }
  }

  /** Removes the claim of a blob that is gone, as a step of its removal. */
  async forget(digest: Hash): Promise<void> {
    await this.#store.records.delete(claimKey(digest));
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
  return `claims/${digestKey(digest)}`;
}

function removalPath(digest: Hash): string {
  return `removals/${digestKey(digest)}/`;
}

function timeOf(value: Uint8Array): number {
  return Number(new TextDecoder().decode(value)) || 0;
}
