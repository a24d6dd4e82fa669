import { delay } from "@std/async/delay";
import type { AbortOptions } from "./lazy.ts";

/** The number of items after which timers and signals get their turn: work that never waits would keep them out. */
const ITEMS_PER_TURN = 500;

/** Options of {@linkcode mapConcurrent}. */
export interface PoolOptions extends AbortOptions {
  /** The number of items that are processed at the same time. */
  concurrency: number;
}

/**
 * Runs `work` over items with bounded concurrency, and returns the results in the items' order. The first failure
 * aborts the signal that all other runs received. It is thrown once all of them have ended, so that no work is left
 * running.
 */
export async function mapConcurrent<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  options: PoolOptions,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const { concurrency, signal } = options;
  if (!(concurrency >= 1)) throw new RangeError(`concurrency must be at least 1, not ${concurrency}`);
  signal?.throwIfAborted();
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const results: R[] = [];
  let next: Promise<unknown> = Promise.resolve();
  let count = 0;
  let failure: { error: unknown } | undefined;

  // Draws items one after the other even if the iterator is asynchronous.
  const draw = (): Promise<{ item: T; index: number } | undefined> => {
    const drawn = next.then(async () => {
      if (count % ITEMS_PER_TURN === ITEMS_PER_TURN - 1) await delay(0);
      if (stop.signal.aborted) return undefined;
      const result = await iterator.next();
      return result.done ? undefined : { item: result.value, index: count++ };
    });
    next = drawn.catch(() => {});
    return drawn;
  };
  const worker = async () => {
    try {
      for (let drawn = await draw(); drawn; drawn = await draw()) {
        // Another run may have failed since the item was drawn.
        if (stop.signal.aborted) return;
        results[drawn.index] = await work(drawn.item, stop.signal);
      }
    } catch (error) {
      failure ??= { error };
      stop.abort(error);
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, worker));
  } finally {
    signal?.removeEventListener("abort", abort);
    if (stop.signal.aborted) await iterator.return?.();
  }
  signal?.throwIfAborted();
  if (failure) throw failure.error;
  return results;
}

/** Admits a bounded number of holders at a time; further holders wait in order. */
export class Semaphore {
  #free: number;
  readonly #waiting = new Set<() => void>();

  /** Creates a semaphore with `permits` permits. */
  constructor(permits: number) {
    this.#free = permits;
  }

  /** Runs `work` while holding a permit. A signal ends the wait for the permit, not the work. */
  async run<T>(work: () => Promise<T>, options: AbortOptions = {}): Promise<T> {
    await this.#acquire(options.signal);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  #acquire(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.delete(enter);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.add(enter);
    });
  }

  #release(): void {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      next();
    } else this.#free++;
  }
}
