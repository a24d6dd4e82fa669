// The loop of a fuzzer: one case after the other, each of which follows from its number alone.

import process from "node:process";
import { Random } from "../make/random.ts";
import { within } from "../make/waiting.ts";

/** A fuzzer: what it needs, and one case. */
export interface Fuzzer {
  /** The number of cases that run at the same time. */
  readonly concurrency: number;
  /** The longest time of a case, in milliseconds. */
  readonly limit: number;
  /** Runs a case and returns its outcome in one word; throws where a check fails. `trace` notes what was done. */
  run(random: Random, trace: (line: string) => void): Promise<string>;
  /** Ends what it started. */
  close(): Promise<void>;
}

/** A case that failed: its number, which gives it again, what was done, and the error. */
export interface FailedCase {
  readonly seed: number;
  readonly trace: readonly string[];
  readonly error: unknown;
}

/** The result of a run. */
export interface FuzzResult {
  readonly cases: number;
  /** How often each outcome came. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly failures: readonly FailedCase[];
}

/** How long a run is, and where it begins. */
export interface FuzzOptions {
  /** The number of the first case. */
  readonly seed: number;
  /** Whether to start another case, given the number of those that were started. */
  readonly more: (started: number) => boolean;
  /** Called with each failed case. */
  readonly onFailure?: (failed: FailedCase) => void;
  /** Called with the number of cases that ended. */
  readonly onCase?: (ended: number) => void;
}

/** Runs a fuzzer. A rejection that is handled nowhere is a failure of the cases that run at that time. */
export async function fuzz(fuzzer: Fuzzer, options: FuzzOptions): Promise<FuzzResult> {
  const outcomes = new Map<string, number>();
  const failures: FailedCase[] = [];
  const running = new Map<number, readonly string[]>();
  let started = 0;
  let ended = 0;
  const fail = (failed: FailedCase) => {
    failures.push(failed);
    options.onFailure?.(failed);
  };
  const unhandled = (error: unknown) => {
    for (const [seed, trace] of running) {
      fail({
        seed,
        trace: [...trace],
        error: new Error("an unhandled rejection, perhaps of this case", { cause: error }),
      });
    }
  };
  const worker = async () => {
    while (options.more(started)) {
      const seed = options.seed + started++;
      const trace: string[] = [];
      running.set(seed, trace);
      try {
        const work = fuzzer.run(new Random(Math.imul(seed, 0x9e3779b1)), (line) => void trace.push(line));
        const outcome = await within(work, { what: "the end of the case", limit: fuzzer.limit });
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      } catch (error) {
        fail({ seed, trace, error });
      } finally {
        running.delete(seed);
        options.onCase?.(++ended);
      }
    }
  };
  process.on("unhandledRejection", unhandled);
  try {
    await Promise.all(Array.from({ length: fuzzer.concurrency }, worker));
    // A rejection of the last cases is reported in a later turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    process.off("unhandledRejection", unhandled);
    await fuzzer.close();
  }
  return { cases: ended, outcomes, failures };
}

/** Returns a failed case as lines. */
export function describeCase({ seed, trace, error }: FailedCase): string {
  const causes: string[] = [];
  for (let at = error; at !== undefined && causes.length < 5; at = (at as { cause?: unknown }).cause) {
    causes.push(at instanceof Error ? at.stack ?? at.message : String(at));
  }
  return [`case ${seed}`, ...trace.map((line) => `  ${line}`), ...causes].join("\n");
}
