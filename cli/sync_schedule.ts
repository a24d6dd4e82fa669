import { delay } from "@std/async/delay";
import { type SyncEntry, type SyncFile, syncImages, type SyncOptions } from "../gcr/mod.ts";
import { UsageError } from "../src/errors.ts";
import type { Context } from "./command.ts";
import { summary } from "./failure.ts";
import { type ReportContext, reportCopy } from "./recursive_copy.ts";

/** The longest time of a timer in milliseconds, as runtimes hold it in 31 bits. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** The clock of a schedule; tests replace it. */
export interface ScheduleClock {
  /** Returns the time. */
  readonly now: () => Date;
  /** Waits for a time in milliseconds. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

const CLOCK: ScheduleClock = {
  now: () => new Date(),
  wait: (ms, signal) => delay(ms, { signal }),
};

/**
 * Copies what is missing at once, and then each entry by its schedule, until the signal aborts. Entries are copied one
 * after the other; a failure is reported, and the entry is copied again at its next time. Returns the exit code.
 */
export async function runSchedule(
  { entries }: SyncFile,
  options: SyncOptions,
  context: ReportContext & Pick<Context, "warn">,
  { now, wait }: ScheduleClock = CLOCK,
): Promise<number> {
  const { signal, note, warn } = context;
  const planned = new Map<SyncEntry, Date>();
  for (const entry of entries) {
    if (entry.schedule) planned.set(entry, entry.schedule.next(now()));
    else warn(`${entry.path} has neither schedule nor interval, so it is not copied`);
  }
  if (planned.size === 0) {
    throw new UsageError("no entry has a schedule or an interval", { hint: "without --schedule all are copied once" });
  }
  const run = async (due: readonly SyncEntry[], further: SyncOptions = {}) => {
    try {
      await reportCopy(await syncImages(due, { ...options, ...further }), context);
    } catch (error) {
      if (!signal.aborted) note(`Error: ${summary(error)}`);
    }
  };
  await run([...planned.keys()], { noClobber: true, extra: "keep" });
  while (!signal.aborted) {
    const next = Math.min(...[...planned.values()].map((date) => date.getTime()));
    const ms = next - now().getTime();
    if (ms > 0) {
      await wait(Math.min(ms, LONGEST_DELAY), signal).catch((error) => {
        if (!signal.aborted) throw error;
      });
      continue;
    }
    const due = [...planned].filter(([, date]) => date.getTime() <= now().getTime()).map(([entry]) => entry);
    await run(due);
    for (const entry of due) planned.set(entry, entry.schedule!.next(now()));
  }
  note("interrupted: the schedules end");
  return 0;
}
