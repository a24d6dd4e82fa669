import { UsageError } from "../src/errors.ts";
import { parseDuration } from "../src/io/mod.ts";

/** Returns the time that a flag says, in milliseconds. @throws {UsageError} that names the flag. */
export function durationFlag(flag: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`--${flag}: ${error.message}`, { cause: error, hint: error.hint });
  }
}
