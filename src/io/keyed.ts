import { abortable } from "../runtime/mod.ts";
import type { AbortOptions } from "./lazy.ts";

/** A mutex for each key: runs the work on one key in the order of the calls. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Runs the work once all earlier work on the same key has succeeded or failed. An abort ends the wait of one caller,
   * whose work is then not started; work that has started handles its own signal.
   */
  async run<T>(key: string, work: () => Promise<T>, options: AbortOptions = {}): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(() => options.signal?.throwIfAborted()).then(work);
    const over = turn.then(() => {}, () => {});
    this.#last.set(key, over);
    over.then(() => {
      if (this.#last.get(key) === over) this.#last.delete(key);
    });
    await abortable(before, options.signal);
    return await turn;
  }
}

/** A map that keeps the entries that were set last, and drops the oldest ones beyond its capacity. */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #capacity: number;

  /** Creates an empty map with room for `capacity` entries. */
  constructor(capacity: number) {
    super();
    this.#capacity = capacity;
  }

  /** Sets an entry, which becomes the newest. */
  override set(key: K, value: V): this {
    super.delete(key);
    super.set(key, value);
    if (this.size > this.#capacity) super.delete(this.keys().next().value!);
    return this;
  }
}
