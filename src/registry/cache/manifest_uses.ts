import { type AbortOptions, BoundedMap } from "../../io/mod.ts";
import { jsonBytes } from "../../spec/internal.ts";
import type { Hash } from "../../spec/mod.ts";
import { digestKey } from "../stores/store_key.ts";
import type { RegistryStore } from "../stores/store.ts";

/** The shortest time between two notes on one manifest, in milliseconds. */
const NOTE_EVERY_MS = 3_600_000;
const MOST_NOTES = 10_000;

/** Notes in the store when clients pull the manifests of a pull-through cache. */
export class ManifestUses {
  readonly #store: RegistryStore;
  readonly #clock: () => number;
  readonly #noted = new BoundedMap<string, number>(MOST_NOTES);

  /** Creates the record over a registry's store. */
  constructor({ store, clock }: { store: RegistryStore; clock: () => number }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Notes that a client pulls a manifest now, unless that was noted within the hour. */
  async note(name: string, digest: Hash): Promise<void> {
    const key = usedKey(name, digest);
    const now = this.#clock();
    if (now - (this.#noted.get(key) ?? -Infinity) < NOTE_EVERY_MS) return;
    this.#noted.set(key, now);
    await this.#store.records.put(key, jsonBytes(now), { durable: false });
  }
}

/** Returns when a manifest was last pulled, in milliseconds since 1970 and within an hour; `undefined` if never noted. */
export async function lastUse(
  { records }: RegistryStore,
  { name, digest, signal }: AbortOptions & { name: string; digest: Hash },
): Promise<number | undefined> {
  const value = await records.get(usedKey(name, digest), { signal });
  return value && Number(new TextDecoder().decode(value));
}

/** Returns the key of the note on a manifest. */
export function usedKey(name: string, digest: Hash): string {
  return `proxy/${name}/_used/${digestKey(digest)}`;
}
