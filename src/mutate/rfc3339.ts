const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

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
  if (RFC_3339.test(time) && !Number.isNaN(Date.parse(time))) return time;
  throw new TypeError(`${JSON.stringify(time)} is not an RFC 3339 time like 2024-02-03T04:05:06Z`);
}
