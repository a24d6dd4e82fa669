/** Writes global records once for all the entries that they are in force for. */

import { type Bytes, sameBytes } from "../runtime/mod.ts";
import { encodePaxHeader } from "./header_blocks.ts";
import { NUMBER_KEYS, type PaxRecords } from "./pax.ts";

const NO_RECORDS: PaxRecords = new Map();

/** The global records in force in an archive that is being written. */
export class GlobalsInForce {
  /** Those that were written as such. */
  readonly #written = new Map<string, Bytes>();
  /** Those that the last entry brought. */
  #brought = NO_RECORDS;
  readonly #inForce = new Map<string, Bytes>();

  /** Whether a record of this key is in force. */
  has(key: string): boolean {
    return this.#inForce.has(key);
  }

  /** Returns the value of the record of this key that is in force. */
  get(key: string): Bytes | undefined {
    return this.#inForce.get(key);
  }

  /** Puts records in force for all the entries that follow; an empty value takes one back. Returns their blocks. */
  write(records: PaxRecords): Bytes {
    for (const [key, value] of records) {
      for (const map of [this.#written, this.#inForce]) {
        if (value.length === 0) map.delete(key);
        else map.set(key, value);
      }
    }
    return encodePaxHeader(records, "g");
  }

  /**
   * Puts the records in force that the next entry brings from another archive, in place of those that the last one
   * brought. Returns the blocks that do so, `undefined` where nothing changes.
   *
   * Numbers are left out, which an entry has itself: GNU tar refuses an empty number, which would take one back.
   */
  bring(globals: PaxRecords = NO_RECORDS): Bytes | undefined {
    if (globals === this.#brought) return undefined;
    this.#brought = globals;
    const wanted = new Map([...this.#written, ...[...globals].filter(([key]) => !NUMBER_KEYS.has(key))]);
    const changes = new Map<string, Bytes>();
    for (const key of this.#inForce.keys()) if (!wanted.has(key)) changes.set(key, new Uint8Array(0));
    for (const [key, value] of wanted) if (!sameBytes(this.#inForce.get(key), value)) changes.set(key, value);
    if (changes.size === 0) return undefined;
    for (const [key, value] of changes) {
      if (value.length === 0) this.#inForce.delete(key);
      else this.#inForce.set(key, value);
    }
    return encodePaxHeader(changes, "g");
  }
}
