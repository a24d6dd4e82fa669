import { delay } from "@std/async/delay";
import type { AbortOptions } from "../../io/mod.ts";
import type { Hash } from "../../spec/mod.ts";
import { digestKey } from "../stores/store_key.ts";
import type { RegistryStore, StoredBlob } from "../stores/store.ts";

/** What was claimed this recently need not be claimed again to be safe, in milliseconds. */
export const FRESH_MS = 30_000;
/** A removal takes at most so long, or gives up before it removes anything more, in milliseconds. */
const REMOVAL_MS = 10_000;
/** What says that a blob is being removed is not believed any longer than this, in milliseconds. */
const ABANDONED_MS = 60_000;
const POLL_MS = 50;

/**
 * Keeps those who rely on a blob that is there already and the garbage collection out of each other's way, on any number
 * of servers over one store, with records alone:
 *
 * | Key | Value |
 * |---|---|
 * | `claims/<digest>` | when somebody last relied on the blob: an upload, a mount, a HEAD, a manifest |
 * | `removals/<digest>/<id>` | when somebody began to remove it |
 *
 * Who relies on a blob first writes its claim and then looks for removals, and waits until there is none. Who removes
 * one first writes that, then looks at the claim, and leaves the blob alone if it is recent. Whatever the order, one of
 * them sees the other: a blob goes either before it is relied upon, and is then seen to be missing, or not at all.
 *
 * Times are those of the servers' clocks, which must agree to within half a minute. What was killed in the middle of a
 * removal is believed for a minute.
 */
export class BlobClaims {
  readonly #store: RegistryStore;
  readonly #clock: () => number;

  /** Makes it over a store; the clock gives milliseconds since 1970. */
  constructor(store: RegistryStore, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
  }

  /** From here on nobody removes the blob for as long as the grace is. It may be missing already: look afterwards. */
  async claim(digest: Hash, options: AbortOptions = {}): Promise<void> {
    do await this.note(digest, options); while (await this.#waitForRemoval(digest, options));
  }

  /** As {@linkcode claim}, for many blobs whose end is near: the grace begins now, but nothing is waited for. */
  async note(digest: Hash, options: AbortOptions = {}): Promise<void> {
    const value = new TextEncoder().encode(String(this.#clock()));
    await this.#store.records.put(claimKey(digest), value, { durable: false, ...options });
  }

  /** When a blob that is there was last relied upon, in milliseconds since 1970; 0 for one whose bytes are spoilt. */
  async lastClaim(digest: Hash, blob: StoredBlob | undefined, options?: AbortOptions): Promise<number> {
    const claim = await this.#store.records.get(claimKey(digest), options);
    return Math.max(blob?.modified ?? 0, claim ? timeOf(claim) : 0);
  }

  /**
   * Removes a blob or links to it, in steps, unless somebody relied on it since a time; whether all steps were done.
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
        if (this.#clock() - begun > REMOVAL_MS) return false; // it may be believed no more
        await step();
      }
      return true;
    } finally {
      await this.#store.records.delete(key);
    }
  }

  /** Forgets the claim of a blob that is gone; only as a step of its removal. */
  async forget(digest: Hash): Promise<void> {
    await this.#store.records.delete(claimKey(digest));
  }

  /** Whether a blob was being removed; it no longer is. */
  async #waitForRemoval(digest: Hash, options: AbortOptions): Promise<boolean> {
    const path = removalPath(digest);
    let waited = false;
    for (;;) {
      const ids = await this.#store.records.list(path, options);
      if (ids.length === 0) return waited;
      waited = true;
      for (const id of ids) {
        const begun = await this.#store.records.get(path + id, options);
        if (begun && this.#clock() - timeOf(begun) > ABANDONED_MS) await this.#store.records.delete(path + id, options);
      }
      await delay(POLL_MS, options);
    }
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
