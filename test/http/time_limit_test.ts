import { assertEquals, assertInstanceOf } from "@std/assert";
import { describe, it } from "node:test";
import { TimeLimit, TimeLimitError, timeoutsOf } from "../../src/http/time_limit.ts";
import { ManualTimers } from "../make/manual_timers.ts";

function limited(ms: number): { limit: TimeLimit; timers: ManualTimers; isOver: () => boolean } {
  const timers = new ManualTimers();
  const limit = new TimeLimit(ms, "answer", timers.wait);
  return { limit, timers, isOver: () => limit.signal.aborted };
}

describe("a time limit", () => {
  it("is over when a wait lasts as long as it", async () => {
    const { limit, timers, isOver } = limited(60_000);
    limit.begin();
    assertEquals([timers.set, isOver()], [[60_000], false]);
    await timers.fire();
    assertInstanceOf(limit.signal.reason, TimeLimitError);
    assertEquals(limit.signal.reason.message, "no answer within 60 s");
  });

  it("is not over while nothing is waited for, and begins anew with the next wait", async () => {
    const { limit, timers, isOver } = limited(60_000);
    limit.begin();
    limit.pause();
    await timers.fire();
    assertEquals([timers.set.length, isOver()], [1, false]);
    limit.begin();
    assertEquals(timers.set.length, 2);
    await timers.fire();
    assertEquals(isOver(), true);
  });

  it("counts from the beginning of the last wait, with one timer for many", async () => {
    const { limit, timers, isOver } = limited(60_000);
    for (let i = 0; i < 1000; i++) {
      limit.begin();
      limit.pause();
    }
    limit.begin();
    assertEquals(timers.set.length, 1);
    await timers.fire();
    assertEquals([timers.set.length, isOver()], [2, false]);
    await timers.fire();
    assertEquals(isOver(), true);
  });

  it("sets no timer after its end, and none at all where it is 0", async () => {
    const { limit, timers, isOver } = limited(60_000);
    limit.begin();
    limit.end();
    limit.begin();
    await timers.fire();
    assertEquals([timers.set.length, isOver()], [1, false]);
    const none = limited(0);
    none.limit.begin();
    assertEquals(none.timers.set, []);
  });
});

describe("timeouts", () => {
  it("are those of the security rules, each as it is set", () => {
    const usual = { connectMs: 30_000, answerMs: 60_000, slowAnswerMs: 600_000, stallMs: 60_000 };
    assertEquals(timeoutsOf(), usual);
    assertEquals(timeoutsOf({ answerMs: 0, stallMs: undefined }), { ...usual, answerMs: 0 });
  });
});
