import type { AbortOptions } from "./lazy.ts";

/** Options of {@linkcode mapConcurrent}. */
export interface PoolOptions extends AbortOptions {
  /** How many run at the same time. */
  concurrency: number;
}

/**
 * Runs `work` over items, a bounded number at a time, and gives the results in the items' order. The first failure
 * aborts the signal that every other run was given; it is thrown when all of them have ended, so that nothing is left
 * running behind the caller's back.
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

  // Items are drawn one after the other even when the iterator is asynchronous.
  const draw = (): Promise<{ item: T; index: number } | undefined> => {
    const drawn = next.then(async () => {
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
        // Somebody may have failed since the item was drawn.
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

/** Lets a bounded number of holders in at a time; the others wait their turn. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** Makes it with room for `permits` holders. */
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
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.push(enter);
    });
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
