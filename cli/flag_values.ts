import { PlatformError, UsageError } from "../src/errors.ts";
import { parseDuration } from "../src/io/mod.ts";
import { parsePlatform, type Platform } from "../src/spec/mod.ts";
import type { Timeouts } from "../src/transport/mod.ts";
import { parseBytes } from "./units.ts";

/** Parses the platform of a flag. @throws {UsageError} if it is not a platform. */
export function platformFlag(text: string, flag = "platform"): Platform {
  try {
    const platform = parsePlatform(text);
    if (platform.os !== "") return platform;
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw new UsageError(`--${flag} ${text}: ${error.message}`, { cause: error, hint: "for example linux/arm64" });
  }
  throw new UsageError(`--${flag} is empty`, { hint: "for example linux/arm64" });
}

/** The kinds of `--timeout`. */
const TIMEOUTS = { connect: "connectMs", answer: "answerMs", slow: "slowAnswerMs", stall: "stallMs" } as const;

/** The longest time that timers of all runtimes can wait, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Parses the values of `--timeout`: `KIND=TIME`, or a time for all kinds. @throws {UsageError} if one is neither.
 */
export function timeoutsFlag(values: readonly string[]): Timeouts {
  const timeouts: Timeouts = {};
  for (const value of values) {
    const [, kind, text] = /^(?:([^=]*)=)?(.*)$/s.exec(value)!;
    const ms = durationFlag("timeout", text);
    if (ms > LONGEST_TIMER) throw new UsageError(`--timeout ${value} is too long`, { hint: "0 is no limit" });
    const kinds = Object.keys(TIMEOUTS) as (keyof typeof TIMEOUTS)[];
    const chosen = kind === undefined ? kinds : kinds.filter((each) => each === kind);
    if (chosen.length === 0) {
      throw new UsageError(`--timeout has no ${JSON.stringify(kind)}`, { hint: `there are ${kinds.join(", ")}` });
    }
    for (const each of chosen) timeouts[TIMEOUTS[each]] = ms;
  }
  return timeouts;
}

/** Checks the values of `--allow-redirect`. @throws {UsageError} if one is neither HOST nor HOST:PORT. */
export function redirectsFlag(values: readonly string[]): readonly string[] {
  for (const value of values) {
    if (/^[^/?#@\\\s]+$/.test(value) && URL.canParse(`http://${value}`)) continue;
    throw new UsageError(`--allow-redirect ${value} is neither HOST nor HOST:PORT`, {
      hint: "for example 10.0.0.5 or 10.0.0.5:8443",
    });
  }
  return values;
}

/** Parses the size of a flag and returns a number of bytes. @throws {UsageError} with the name of the flag. */
export function sizeFlag(flag: string, text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new UsageError(`--${flag} ${text} is not a number of bytes`, { hint: "for example 20MB" });
}

/** Parses the duration of a flag and returns milliseconds. @throws {UsageError} with the name of the flag. */
export function durationFlag(flag: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`--${flag}: ${error.message}`, { cause: error, hint: error.hint });
  }
}
