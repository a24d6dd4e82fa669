import { Cron } from "croner";
import { UsageError } from "../../src/errors.ts";
import { parseDuration } from "../../src/io/mod.ts";

/** When to do something again and again. */
export interface SyncSchedule {
  /** The expression or the interval as it was given. */
  readonly text: string;
  /** Returns the next time after `from`. */
  next(from: Date): Date;
}

/** The shorter forms of expressions. */
const NAMED: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/**
 * Parses a cron expression of five parts, in local time or in that of `CRON_TZ=Zone` in front; `@daily` and the like;
 * or `@every 6h`.
 *
 * @throws {UsageError} if it is none of these, or names no time.
 */
export function parseSchedule(text: string): SyncSchedule {
  const every = /^@every\s+(\S+)$/.exec(text.trim());
  if (every) return intervalSchedule(parseDuration(every[1]), text);
  const [, timezone, expression] = /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.*)$/s.exec(text.trim())!;
  try {
    const cron = new Cron(NAMED[expression] ?? expression, {
      mode: "5-part",
      paused: true,
      ...(timezone && { timezone }),
    });
    const next = (from: Date) => {
      const found = cron.nextRun(from);
      if (found) return found;
      throw new UsageError(`${JSON.stringify(text)} names no time to come`);
    };
    next(new Date());
    return { text, next };
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`${JSON.stringify(text)} is not a schedule: ${(cause as Error).message}`, {
      cause,
      hint: "for example 15 3 * * *, @daily or @every 6h",
    });
  }
}

/** Returns the schedule of an interval in milliseconds. @throws {UsageError} if it is below a second. */
export function intervalSchedule(ms: number, text: string): SyncSchedule {
  if (ms < 1000) throw new UsageError(`${JSON.stringify(text)} is below a second`);
  return { text, next: (from) => new Date(from.getTime() + ms) };
}
