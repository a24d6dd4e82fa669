import type { RegistryStore, StoreUsage } from "../stores/store.ts";

/** The shortest time between two counts, in milliseconds. */
const COUNT_EVERY_MS = 60_000;
/** The time between two counts, in times of the one that the last count took. */
const PAUSE = 100;

/** Counts what a store holds, with at most a hundredth of the time spent on it, however large the store is. */
export class UsageCount {
  readonly #store: RegistryStore;
  readonly #clock: () => number;
  readonly #onError: (error: unknown) => void;
  #last: StoreUsage | undefined;
  #due = -Infinity;

  /** Makes the count of a store; the clock gives milliseconds since 1970. */
  constructor(store: RegistryStore, { clock, onError }: { clock: () => number; onError: (error: unknown) => void }) {
    this.#store = store;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Returns the last count, if there is one, and starts another one if it is due. */
  current(): StoreUsage | undefined {
    if (this.#clock() >= this.#due) {
      this.#due = Infinity;
      void this.#count().catch(this.#onError);
    }
    return this.#last;
  }

  async #count(): Promise<void> {
    const begun = this.#clock();
    try {
      this.#last = await this.#store.blobs.usage?.();
    } finally {
      const now = this.#clock();
      this.#due = now + Math.max(COUNT_EVERY_MS, PAUSE * (now - begun));
    }
  }
}
