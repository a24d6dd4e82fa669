import type { ProgressEvent } from "../src/image/mod.ts";

export type { ProgressEvent, ProgressListener } from "../src/image/mod.ts";

/** One transfer in a snapshot. */
export interface TransferView {
  /** What is moved. */
  readonly label: string;
  /** Whether it comes or goes. */
  readonly kind: "read" | "write";
  /** Bytes moved so far. */
  readonly complete: number;
  /** Bytes in all, where that is known. */
  readonly total: number | undefined;
  /** Bytes per second; `undefined` as long as it can't be told. */
  readonly rate: number | undefined;
}

/** All transfers at a moment. */
export interface ProgressView {
  /** Those in flight, the longest first. */
  readonly active: readonly TransferView[];
  /** Bytes moved in all. */
  readonly complete: number;
  /** Bytes in all; `undefined` as long as that of one transfer is not known. */
  readonly total: number | undefined;
  /** Bytes per second; `undefined` as long as it can't be told. */
  readonly rate: number | undefined;
  /** How many objects there are. */
  readonly objects: number;
  /** How many of them are settled. */
  readonly settled: number;
  /** How many of those were there already or were mounted. */
  readonly reused: number;
}

interface Transfer {
  event: ProgressEvent;
  meter: RateMeter;
}

/** Gathers events into what is shown. */
export class ProgressState {
  readonly #transfers = new Map<string, Transfer>();
  #meter: RateMeter | undefined;

  /** Notes an event that came at a time in milliseconds. */
  add(event: ProgressEvent, now: number): void {
    this.#meter ??= new RateMeter(now, 0);
    const known = this.#transfers.get(event.id);
    if (known === undefined) this.#transfers.set(event.id, { event, meter: new RateMeter(now, event.complete) });
    else known.event = event;
  }

  /** How things stand at a time in milliseconds; rates follow from the snapshots of the last seconds. */
  view(now: number): ProgressView {
    const transfers = this.#counted();
    let complete = 0;
    let total: number | undefined = 0;
    let settled = 0;
    let reused = 0;
    const active: TransferView[] = [];
    for (const { event, meter } of transfers) {
      const isReused = event.state === "skipped" || event.state === "mounted";
      if (event.state !== "active" && event.state !== "waiting") settled++;
      if (isReused) reused++;
      if (isReused || event.state === "failed") continue;
      complete += event.complete;
      const size = event.state === "done" ? event.complete : event.total;
      total = total === undefined || size === undefined ? undefined : total + size;
      if (event.state !== "active") continue;
      const { label, kind } = event;
      active.push({ label, kind, complete: event.complete, total: size, rate: meter.measure(now, event.complete) });
    }
    const rate = this.#meter?.measure(now, complete);
    return { active, complete, total, rate, objects: transfers.length, settled, reused };
  }

  #counted(): Transfer[] {
    const transfers = [...this.#transfers.values()];
    const written = new Set(transfers.filter(({ event }) => event.kind === "write").map(({ event }) => event.label));
    return transfers.filter(({ event }) => event.kind === "write" || !written.has(event.label));
  }
}

/** Bytes per second over the last three seconds. */
class RateMeter {
  #samples: { at: number; complete: number }[];

  constructor(at: number, complete: number) {
    this.#samples = [{ at, complete }];
  }

  measure(now: number, complete: number): number | undefined {
    const last = this.#samples.at(-1);
    // A transfer that starts over after a failure has less than before.
    if (last !== undefined && complete < last.complete) this.#samples = [];
    this.#samples.push({ at: now, complete });
    while (this.#samples.length > 2 && this.#samples[1].at <= now - 3000) this.#samples.shift();
    const [first] = this.#samples;
    return now - first.at < 200 ? undefined : (complete - first.complete) / (now - first.at) * 1000;
  }
}
