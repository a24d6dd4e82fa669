import { delay } from "@std/async/delay";
import { collectStoreGarbage, type CollectStoreGarbageOptions, type StoreGarbage } from "./garbage.ts";
import type { RegistryStore } from "../stores/store.ts";

/** Options of {@linkcode collectStoreGarbageEvery}. */
export interface CollectStoreGarbageEveryOptions extends Omit<CollectStoreGarbageOptions, "signal" | "dryRun"> {
  /** The time before each round, in milliseconds. */
  interval: number;
  /** Called with the content that a round removed. */
  onCollected?: (garbage: StoreGarbage) => void;
  /** Called with the failure of a round; the next one follows. */
  onError?: (error: unknown) => void;
  /** Ends the rounds. */
  signal: AbortSignal;
}

/**
 * Collects the garbage of a store in rounds until the signal aborts; see {@linkcode collectStoreGarbage}. The failure of a
 * round does not reject.
 *
 * @throws {RangeError} if the interval is not positive.
 */
export async function collectStoreGarbageEvery(
  store: RegistryStore,
  options: CollectStoreGarbageEveryOptions,
): Promise<void> {
  const { interval, onCollected, onError, signal, ...rest } = options;
  if (!(interval > 0)) throw new RangeError("the interval of garbage collections is positive");
  while (!signal.aborted) {
    try {
      await delay(Math.min(interval, LONGEST_DELAY), { signal });
      onCollected?.(await collectStoreGarbage(store, { ...rest, signal }));
    } catch (error) {
      if (!signal.aborted) onError?.(error);
    }
  }
}

/** The longest delay of a timer, in milliseconds: some 24 days. */
const LONGEST_DELAY = 2 ** 31 - 1;
