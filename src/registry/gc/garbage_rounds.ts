import { delay } from "@std/async/delay";
import type { AbortOptions } from "../../io/mod.ts";
import { type Bytes, sameBytes } from "../../runtime/mod.ts";
import { jsonBytes } from "../../spec/internal.ts";
import { collectStoreGarbage, type CollectStoreGarbageOptions, type StoreGarbage } from "./garbage.ts";
import type { RegistryStore } from "../stores/store.ts";

/** Options of {@linkcode collectStoreGarbageEvery}. */
export interface CollectStoreGarbageEveryOptions extends Omit<CollectStoreGarbageOptions, "signal" | "dryRun"> {
  /** The time between two rounds, in milliseconds. */
  interval: number;
  /**
   * Called at the start of each round, for what makes garbage, such as {@linkcode evictCachedContent}.
   * @default nothing
   */
  before?: (options: AbortOptions) => Promise<unknown>;
  /** Called with the content that a round removed. */
  onCollected?: (garbage: StoreGarbage) => void;
  /** Called with the failure of a round; the next one follows. */
  onError?: (error: unknown) => void;
  /** Ends the rounds. */
  signal: AbortSignal;
}

/**
 * Collects the garbage of a store in rounds until the signal aborts; see {@linkcode collectStoreGarbage}. The store keeps
 * the time when the next round is due, so that it outlives the server, and only one of the servers on a store makes a
 * round. The failure of a round does not reject.
 *
 * @throws {RangeError} if the interval is not positive.
 */
export async function collectStoreGarbageEvery(
  store: RegistryStore,
  options: CollectStoreGarbageEveryOptions,
): Promise<void> {
  const { interval, onError, signal } = options;
  if (!(interval > 0)) throw new RangeError("the interval of garbage collections is positive");
  while (!signal.aborted) {
    let wait = interval;
    try {
      wait = await makeRound(store, options);
    } catch (error) {
      if (!signal.aborted) onError?.(error);
    }
    await delay(Math.min(wait, LONGEST_DELAY), { signal }).catch(() => {}); // it fails only by the signal
  }
}

/** The longest delay of a timer, in milliseconds: some 24 days. */
const LONGEST_DELAY = 2 ** 31 - 1;
/** The record with the time of the next round. */
const KEY = "gc/rounds";
/** How long a server that makes a round may be silent before another one makes it, in milliseconds. */
const LEASE_MS = 600_000;

/** The times of the rounds, in milliseconds since 1970. */
interface Rounds {
  /** When the next round is due. */
  readonly due: number;
  /** The server that makes it, until a time. */
  readonly holder?: { readonly id: string; readonly until: number };
}

/** Makes a round if it is due and no other server makes it. Returns the time until the next look, in milliseconds. */
async function makeRound(store: RegistryStore, options: CollectStoreGarbageEveryOptions): Promise<number> {
  const { interval, onCollected, onError: _, before, signal, ...rest } = options;
  const { clock = Date.now } = options;
  const { records } = store;
  const now = clock();
  const seen = await records.get(KEY, { signal });
  const rounds = readRounds(seen) ?? { due: now + interval };
  const due = Math.min(rounds.due, now + interval); // the interval may have been longer
  const busy = Math.min(rounds.holder?.until ?? 0, now + LEASE_MS);
  const wait = Math.max(due, busy) - now;
  if (wait > 0) {
    if (!seen) await takeOver(store, seen, jsonBytes(rounds));
    return wait;
  }

  const id = crypto.randomUUID();
  const held = () => jsonBytes({ due, holder: { id, until: clock() + LEASE_MS } } satisfies Rounds);
  if (!await takeOver(store, seen, held())) return Math.min(interval, LEASE_MS);
  let renewal: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    renewal = renewal.then(() => records.put(KEY, held(), { durable: false })).catch(() => {}); // a failure ends the lease
  }, LEASE_MS / 3);
  let isOver = false;
  try {
    await before?.({ signal });
    const garbage = await collectStoreGarbage(store, { ...rest, signal });
    isOver = true;
    onCollected?.(garbage);
  } finally {
    clearInterval(timer);
    await renewal;
    // A round that the end of the server cut off stays due.
    await records.put(KEY, jsonBytes({ due: isOver || !signal.aborted ? clock() + interval : due } satisfies Rounds));
  }
  return interval;
}

/** Writes the record unless another server has changed it; returns whether it is this server's. */
async function takeOver({ records }: RegistryStore, seen: Bytes | undefined, value: Bytes): Promise<boolean> {
  if (records.replace) return await records.replace(KEY, value, { expected: seen });
  // Two servers may do this at once; a round that is made twice does no harm.
  await records.put(KEY, value);
  return sameBytes(await records.get(KEY), value);
}

function readRounds(value: Bytes | undefined): Rounds | undefined {
  if (!value) return undefined;
  try {
    const rounds = JSON.parse(new TextDecoder().decode(value));
    return typeof rounds?.due === "number" ? rounds : undefined;
  } catch {
    return undefined; // spoilt, and as good as missing
  }
}
