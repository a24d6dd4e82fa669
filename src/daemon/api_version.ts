import { UnsupportedError, UsageError } from "../errors.ts";

/** A version of the Engine API: `1.41`. */
export type ApiVersion = `${number}.${number}`;

/** The newest API that this room supports and asks for. */
export const NEWEST_API: ApiVersion = "1.52";

/** The oldest API with everything that this room needs. */
export const OLDEST_API: ApiVersion = "1.24";

/** The API of engines that report no version. */
export const SILENT_API: ApiVersion = "1.24";

/** The first API whose `save`, `load` and `history` take a platform. */
export const SAVE_PLATFORM_API: ApiVersion = "1.48";

/** The first API whose `inspect` takes a platform. */
export const INSPECT_PLATFORM_API: ApiVersion = "1.49";

/** Whether a version is at least another: `1.9` is not at least `1.24`. */
export function isAtLeast(version: ApiVersion, least: ApiVersion): boolean {
  const [major, minor] = version.split(".").map(Number);
  const [leastMajor, leastMinor] = least.split(".").map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/** Reads `1.41`, or `v1.41`; `undefined` for anything else. */
export function parseApiVersion(text: string | null | undefined): ApiVersion | undefined {
  return /^v?(\d{1,4}\.\d{1,4})$/.exec(text?.trim() ?? "")?.[1] as ApiVersion | undefined;
}

/** Reads a version from the user. @throws {UsageError} if it is not valid. */
export function chosenApiVersion(text: string): ApiVersion {
  const version = parseApiVersion(text);
  if (version) return version;
  throw new UsageError(`${JSON.stringify(text)} is not a version of the Engine API`, {
    hint: "write 1.41, for example",
  });
}

/**
 * Returns the newest API that both sides support.
 *
 * @param newest the newest API of the engine
 * @param where the name of the engine in an error
 * @throws {UnsupportedError} if it is too old.
 */
export function negotiated(newest: ApiVersion, where: string): ApiVersion {
  if (!isAtLeast(newest, OLDEST_API)) {
    throw new UnsupportedError(`${where} has version ${newest} of the API, and ${OLDEST_API} is needed`, {
      hint: "use a newer engine",
    });
  }
  return isAtLeast(newest, NEWEST_API) ? NEWEST_API : newest;
}
