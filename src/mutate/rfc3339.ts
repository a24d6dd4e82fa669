import { isRfc3339 } from "../spec/internal.ts";

/**
 * A time as a config has it. A date gets a fraction only if it has one; text stays as it is.
 *
 * @throws {TypeError} when the text is no RFC 3339 time or the date is none.
 */
export function rfc3339(time: Date | string): string {
  if (typeof time !== "string") {
    if (Number.isNaN(time.getTime())) throw new TypeError("the date is not a valid one");
    return time.toISOString().replace(".000Z", "Z");
  }
  if (isRfc3339(time)) return time;
  throw new TypeError(`${JSON.stringify(time)} is not an RFC 3339 time like 2024-02-03T04:05:06Z`);
}
