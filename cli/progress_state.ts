import type { ProgressEvent } from "../src/image/mod.ts";

export type { ProgressEvent, ProgressListener } from "../src/image/mod.ts";

/** One transfer in a snapshot. */
export interface TransferView {
  /** The name of the content. */
  readonly label: string;
  /** The direction of the transfer. */
  readonly kind: "read" | "write";
  /** The number of transferred bytes. */
  readonly complete: number;
  /** The total number of bytes, if it is known. */
  readonly total: number | undefined;
  /** Bytes per second; `undefined` until it is known. */
  readonly rate: number | undefined;
  /** The number of milliseconds since its last byte. */
  readonly silent: number;
}

/** All transfers at one moment. */
export interface ProgressView {
  /** The active transfers, the longest first. */
  readonly active: readonly TransferView[];
  /** The total number of transferred bytes. */
  readonly complete: number;
  /** The total number of bytes; `undefined` until that of every transfer is known. */
  readonly total: number | undefined;
  /** Bytes per second; `undefined` until it is known. */
  readonly rate: number | undefined;
  /** The number of objects. */
  readonly objects: number;
  /** The number of objects that are complete or failed. */
  readonly settled: number;
  /** The number of those that existed or were mounted. */
  readonly reused: number;
}

interface Transfer {
  event: ProgressEvent;
  meter: RateMeter;
  movedAt: number;
}

/** Aggregates progress events for display. */
export class ProgressState {
  readonly #transfers = new Map<string, Transfer>();
  #meter: RateMeter | undefined;

  /** Adds an event at a time in milliseconds. */
  add(event: ProgressEvent, now: number): void {
    this.#meter ??= new RateMeter(now, 0);
    const known = this.#transfers.get(event.id);
    if (known === undefined) {
      this.#transfers.set(event.id, { event, meter: new RateMeter(now, event.complete), movedAt: now });
      return;
    }
    if (known.event.complete !== event.complete || known.event.state !== event.state) known.movedAt = now;
    known.event = event;
  }

  /** Returns the state at a time in milliseconds; rates are those of the last seconds. */
  view(now: number): ProgressView {
    const transfers = this.#counted();
    let complete = 0;
    let total: number | undefined = 0;
    let settled = 0;
    let reused = 0;
    const active: TransferView[] = [];
    for (const { event, meter, movedAt } of transfers) {
      const isReused = event.state === "skipped" || event.state === "mounted";
      if (event.state !== "active" && event.state !== "waiting") settled++;
      if (isReused) reused++;
      if (isReused || event.state === "failed") continue;
      complete += event.complete;
      const size = event.state === "done" ? event.complete : event.total;
      total = total === undefined || size === undefined ? undefined : total + size;
      if (event.state !== "active") continue;
      const { label, kind } = event;
      const rate = meter.measure(now, event.complete);
      active.push({ label, kind, complete: event.complete, total: size, rate, silent: now - movedAt });
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

/** Measures bytes per second over the last three seconds. */
class RateMeter {
  #samples: { at: number; complete: number }[];

  constructor(at: number, complete: number) {
    this.#samples = [{ at, complete }];
  }

  measure(now: number, complete: number): number | undefined {
    const last = this.#samples.at(-1);
    // A transfer that restarts after a failure has fewer bytes than before.
    if (last !== undefined && complete < last.complete) this.#samples = [];
    this.#samples.push({ at: now, complete });
    while (this.#samples.length > 2 && this.#samples[1].at <= now - 3000) this.#samples.shift();
    const [first] = this.#samples;
    return now - first.at < 200 ? undefined : (complete - first.complete) / (now - first.at) * 1000;
  }
}
