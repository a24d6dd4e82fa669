import { abortable, type AbortOptions } from "./lazy.ts";

/** Options of {@linkcode SharedWork}. */
export interface SharedWorkOptions {
  /**
   * Whether a result is kept, so that later callers get it without new work.
   * @default false
   */
  keep?: boolean;
}

interface Entry<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
  over: boolean;
}

/**
 * Work that callers with the same key share. It runs on a signal of its own, which aborts when every caller that waits
 * for it has given up: an abort ends the wait of one caller, and never the work that another still wants. A failure
 * reaches all that wait and is forgotten, so that the next caller tries again.
 */
export class SharedWork<T = void> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #keep: boolean;

  /** Makes it, with nothing under way. */
  constructor(options: SharedWorkOptions = {}) {
    this.#keep = options.keep ?? false;
  }

  /** Does the work, or waits for the same work of another caller. */
  async run(key: string, options: AbortOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = options;
    while (true) {
      signal?.throwIfAborted();
      const entry = this.#entries.get(key) ?? this.#start(key, work);
      if (!entry.stop.signal.aborted || entry.over) return await join(entry, signal);
      // Every caller gave this work up and it is about to end: it is done again then.
      await abortable(entry.result.then(() => {}, () => {}), signal);
    }
  }

  /** Forgets the results whose keys begin so. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Entry<T> {
    const stop = new AbortController();
    const entry: Entry<T> = { result: work(stop.signal), stop, waiting: 0, over: false };
    this.#entries.set(key, entry);
    const end = (keep: boolean) => {
      entry.over = true;
      if (!keep && this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    entry.result.then(() => end(this.#keep), () => end(false));
    return entry;
  }
}

/** Waits for work. The last caller to give it up ends it, and waits until it has ended. */
async function join<T>(entry: Entry<T>, signal: AbortSignal | undefined): Promise<T> {
  entry.waiting++;
  try {
    return await abortable(entry.result, signal);
  } finally {
    entry.waiting--;
    if (entry.waiting === 0 && !entry.over && signal?.aborted) {
      entry.stop.abort(signal.reason);
      await entry.result.catch(() => {});
    }
  }
}
