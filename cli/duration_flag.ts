import { UsageError } from "../src/errors.ts";
import { parseDuration } from "../src/io/mod.ts";

/** Parses the duration of a flag and returns milliseconds. @throws {UsageError} with the name of the flag. */
export function durationFlag(flag: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`--${flag}: ${error.message}`, { cause: error, hint: error.hint });
  }
}
