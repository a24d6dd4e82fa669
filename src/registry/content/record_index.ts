import { type AbortOptions, BoundedMap } from "../../io/mod.ts";
import type { RecordStore } from "../stores/store.ts";

/** The value of a record that has only a name. */
export const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** The most paths whose mark is remembered. */
const CAPACITY = 10_000;

/**
 * Indexes: empty records, the entries, whose names are derived from other records. A page of their list answers what
 * would otherwise take a reading of all those records. An index has at least the entries that its records need, for any
 * number of servers at work at once, and after any crash but one that cut off the first write of a record:
 *
 * - a record is written, and then its entry, if that is missing ({@linkcode keep});
 * - an entry is removed after its record, and written again if the record is there by now ({@linkcode drop}).
 *
 * So an entry may be left over, and a caller reads the record where that matters. An index over records that are older
 * than it is marked as whole once all entries are written.
 */
export class RecordIndex {
  readonly #records: RecordStore;
  readonly #whole = new BoundedMap<string, Promise<boolean>>(CAPACITY);

  /** Creates the access to the indexes of a store. */
  constructor(records: RecordStore) {
    this.#records = records;
  }

  /** Writes an entry, if it is missing. */
  async keep(entry: string): Promise<void> {
    if (await this.#records.get(entry) === undefined) await this.#records.put(entry, EMPTY);
  }

  /** Removes an entry whose record is gone; `isNeeded` looks for the record. */
  async drop(entry: string, isNeeded: () => Promise<boolean>): Promise<void> {
    await this.#records.delete(entry);
    if (await isNeeded()) await this.#records.put(entry, EMPTY);
  }

  /**
   * Prepares the index under a path before a record that it is derived from is written: it is whole from the start if
   * there is no record under `source` yet.
   */
  async begin(path: string, source: string): Promise<void> {
    let begun = this.#whole.get(path);
    if (!begun) {
      begun = this.#begin(path, source);
      this.#whole.set(path, begun);
      begun.catch(() => this.#whole.delete(path));
    }
    await begun;
  }

  async #begin(path: string, source: string): Promise<boolean> {
    if (await this.#records.get(markOf(path)) !== undefined) return true;
    if ((await this.#records.list(source, { limit: 1 })).length > 0) return false;
    await this.markWhole(path);
    return true;
  }

  /** Returns whether the index under a path has all entries. */
  async isWhole(path: string, { signal }: AbortOptions = {}): Promise<boolean> {
    if (await this.#whole.get(path)) return true;
    if (await this.#records.get(markOf(path), { signal }) === undefined) return false;
    this.#whole.set(path, Promise.resolve(true));
    return true;
  }

  /** Marks the index under a path, which has all entries. */
  async markWhole(path: string): Promise<void> {
    await this.#records.put(markOf(path), EMPTY, { durable: false });
    this.#whole.set(path, Promise.resolve(true));
  }

  /** Removes the mark under a path whose records are all gone. */
  async forget(path: string): Promise<void> {
    this.#whole.delete(path);
    await this.#records.delete(markOf(path));
  }
}

function markOf(path: string): string {
  return `${path}_indexed`;
}
