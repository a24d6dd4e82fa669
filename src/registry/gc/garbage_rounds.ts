import { delay } from "../../io/mod.ts";
import { type CollectedGarbage, collectGarbage, type CollectGarbageOptions } from "./garbage.ts";
import type { RegistryStore } from "../stores/store.ts";

/** Options of {@linkcode collectGarbageEvery}. */
export interface GarbageRoundsOptions extends Omit<CollectGarbageOptions, "signal" | "dryRun"> {
  /** The time between two rounds, in milliseconds; the first comes after it. */
  interval: number;
  /** Called with what a round removed. */
  onCollected?: (garbage: CollectedGarbage) => void;
  /** Called with the failure of a round; the next comes all the same. */
  onError?: (error: unknown) => void;
  /** Ends the rounds. */
  signal: AbortSignal;
}

/**
 * Collects the garbage of a store again and again, until the signal; see {@linkcode collectGarbage}. It does not fail.
 *
 * @throws {RangeError} when the interval is not positive.
 */
export async function collectGarbageEvery(store: RegistryStore, options: GarbageRoundsOptions): Promise<void> {
  const { interval, onCollected, onError, signal, ...rest } = options;
  if (!(interval > 0)) throw new RangeError("the interval of garbage collections is positive");
  while (!signal.aborted) {
    try {
      await delay(Math.min(interval, LONGEST_DELAY), signal);
      onCollected?.(await collectGarbage(store, { ...rest, signal }));
    } catch (error) {
      if (!signal.aborted) onError?.(error);
    }
  }
}

/** Timers take no more, in milliseconds: some 24 days. */
const LONGEST_DELAY = 2 ** 31 - 1;
