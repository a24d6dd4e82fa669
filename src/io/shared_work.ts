import { abortable } from "../runtime/mod.ts";
import type { AbortOptions } from "./lazy.ts";

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
 * Work that is shared by callers with the same key. It runs on a signal of its own, which aborts once every waiting
 * caller has aborted, so that an abort of one caller never ends work that another one waits for. A failure reaches all
 * waiting callers and is dropped, so that the next caller tries again.
 */
export class SharedWork<T = void> {
  readonly #entries = new Map<string, Entry<T>>();
  /** The results alone: a signal and a promise for each of very many keys would take much memory. */
  readonly #kept = new Map<string, T>();
  readonly #keep: boolean;

  /** Creates an instance without pending work. */
  constructor(options: SharedWorkOptions = {}) {
    this.#keep = options.keep ?? false;
  }

  /** Runs the work, or waits for the same work of another caller. */
  async run(key: string, options: AbortOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = options;
    while (true) {
      signal?.throwIfAborted();
      if (this.#kept.has(key)) return this.#kept.get(key)!;
      const entry = this.#entries.get(key) ?? this.#start(key, work);
      if (!entry.stop.signal.aborted || entry.over) return await join(entry, signal);
      // All callers have aborted, so this work is about to end and has to run again.
      await abortable(entry.result.then(() => {}, () => {}), signal);
    }
  }

  /** Drops the results of all keys with a prefix. */
  forget(prefix: string): void {
    for (const known of [this.#entries, this.#kept]) {
      for (const key of known.keys()) if (key.startsWith(prefix)) known.delete(key);
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Entry<T> {
    const stop = new AbortController();
    const entry: Entry<T> = { result: work(stop.signal), stop, waiting: 0, over: false };
    this.#entries.set(key, entry);
    const end = () => {
      entry.over = true;
      const isKnown = this.#entries.get(key) === entry;
      if (isKnown) this.#entries.delete(key);
      return isKnown;
    };
    entry.result.then((value) => void (end() && this.#keep && this.#kept.set(key, value)), end);
    return entry;
  }
}

/** Waits for work. The last caller to abort also aborts the work, and waits until it has ended. */
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
