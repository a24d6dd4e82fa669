import { UnsupportedError, UsageError } from "../errors.ts";

/** A version of the Engine API: `1.41`. */
export type ApiVersion = `${number}.${number}`;

/** The newest API that this room knows, and so the newest that it asks for. */
export const NEWEST_API: ApiVersion = "1.52";

/** The oldest API that has all that this room asks for. */
export const OLDEST_API: ApiVersion = "1.24";

/** The API of engines that don't say which they have. */
export const SILENT_API: ApiVersion = "1.24";

/** Since when `save`, `load` and `history` know platforms. */
export const SAVE_PLATFORM_API: ApiVersion = "1.48";

/** Since when `inspect` knows platforms. */
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

/** A version that somebody chose. @throws {UsageError} when it is none. */
export function chosenApiVersion(text: string): ApiVersion {
  const version = parseApiVersion(text);
  if (version) return version;
  throw new UsageError(`${JSON.stringify(text)} is no version of the Engine API`, { hint: "write 1.41, for example" });
}

/**
 * The newest API that both sides know.
 *
 * @param newest the newest that the engine knows
 * @param where what to call the engine in an error
 * @throws {UnsupportedError} when that is too old.
 */
export function negotiated(newest: ApiVersion, where: string): ApiVersion {
  if (!isAtLeast(newest, OLDEST_API)) {
    throw new UnsupportedError(`${where} speaks version ${newest} of the API, and ${OLDEST_API} is needed`, {
      hint: "use a newer engine",
    });
  }
  return isAtLeast(newest, NEWEST_API) ? NEWEST_API : newest;
}
