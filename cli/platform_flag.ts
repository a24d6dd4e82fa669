import { PlatformError, UsageError } from "../src/errors.ts";
import { parsePlatform, type Platform } from "../src/spec/mod.ts";

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
