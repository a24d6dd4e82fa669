import type { AbortOptions } from "../../io/mod.ts";
import type { RegistryContext } from "./context.ts";
import type { RegistryStore } from "../stores/store.ts";

const KEY = "health/probe";
/** The shortest time between two writes of the probe, in milliseconds: every client may ask for the health. */
const WRITE_EVERY_MS = 10_000;

/** Makes the function that reads from the store and, now and then, writes to it. It throws if the store fails. */
export function healthCheck({ store, readOnly, clock }: RegistryContext): (options: AbortOptions) => Promise<void> {
  let written = -Infinity;
  return async (options) => {
    const now = clock();
    if (readOnly || now - written < WRITE_EVERY_MS) return void await store.records.get(KEY, options);
    await writeProbe(store, options);
    written = now;
  };
}

/** Writes a record to find out whether the store can be written to. */
export async function writeProbe(store: RegistryStore, options: AbortOptions): Promise<void> {
  await store.records.put(KEY, new Uint8Array(0), { ...options, durable: false });
}
