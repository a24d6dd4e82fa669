import type { AbortOptions } from "../../io/mod.ts";
import { jsonBytes } from "../../spec/internal.ts";
import type { RecordStore } from "../stores/store.ts";
import { type DigestPrefixes, prefixDigits } from "./digest_prefixes.ts";

/** The age at which a collection that was cut off is not continued, in milliseconds: what it left out waited for long. */
const LONGEST_MS = 7 * 24 * 3_600_000;

/** How far a collection has come. */
export interface GarbageProgress {
  /** When it began, in milliseconds since 1970. */
  readonly begun: number;
  /** The next prefix. */
  readonly next: number;
}

/** The progress of the collections of some prefixes, in a record of the store, so that one that was cut off is continued. */
export class ProgressRecord {
  readonly #records: RecordStore;
  readonly #key: string;

  /** Makes the record for the prefixes. */
  constructor(records: RecordStore, { first, last }: DigestPrefixes) {
    this.#records = records;
    this.#key = `gc/progress/${prefixDigits(first)}-${prefixDigits(last)}`;
  }

  /** Reads the progress of a collection that was cut off, if it may be continued now. */
  async load(now: number, options?: AbortOptions): Promise<GarbageProgress | undefined> {
    const value = await this.#records.get(this.#key, options);
    if (!value) return undefined;
    try {
      const { begun, next } = JSON.parse(new TextDecoder().decode(value));
      return begun <= now && now - begun < LONGEST_MS && Number.isInteger(next) ? { begun, next } : undefined;
    } catch {
      return undefined; // spoilt, and as good as missing
    }
  }

  /** Writes the progress. */
  async save(progress: GarbageProgress, options?: AbortOptions): Promise<void> {
    await this.#records.put(this.#key, jsonBytes(progress), { durable: false, ...options });
  }

  /** Removes the record of a collection that has ended. */
  async remove(): Promise<void> {
    await this.#records.delete(this.#key);
  }
}
