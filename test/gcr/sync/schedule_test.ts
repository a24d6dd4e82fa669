import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { parseSchedule } from "../../../gcr/mod.ts";
import { UsageError } from "../../../src/errors.ts";

const from = new Date("2026-02-28T23:59:30Z");

describe("parseSchedule", () => {
  for (
    const [text, next] of [
      ["TZ=UTC 15 3 * * *", "2026-03-01T03:15:00Z"],
      ["CRON_TZ=Asia/Tokyo 0 6 * * *", "2026-03-01T21:00:00Z"],
      ["TZ=UTC @daily", "2026-03-01T00:00:00Z"],
      ["TZ=UTC 0 0 29 2 *", "2028-02-29T00:00:00Z"],
      ["TZ=UTC */20 1-2 * * MON", "2026-03-02T01:00:00Z"],
      ["@every 1h30m", "2026-03-01T01:29:30Z"],
    ]
  ) {
    it(`knows the next time of ${text}`, () => assertEquals(parseSchedule(text).next(from), new Date(next)));
  }

  for (
    const text of [
      "",
      "often",
      "* * * *",
      "0 0 0 * * *",
      "60 * * * *",
      "@every 0",
      "@every x",
      "TZ=Nowhere/X * * * * *",
    ]
  ) {
    it(`refuses ${JSON.stringify(text)}`, () => void assertThrows(() => parseSchedule(text), UsageError));
  }

  it("refuses a date that never comes", () => void assertThrows(() => parseSchedule("0 0 30 2 *"), UsageError));
});
