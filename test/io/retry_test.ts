import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { retry, type RetryOptions } from "../../src/io/mod.ts";

/** Options that note the waits instead of waiting. */
function noting(options: RetryOptions = {}): { waits: number[]; options: RetryOptions } {
  const waits: number[] = [];
  const wait = (ms: number) => {
    waits.push(ms);
    return Promise.resolve();
  };
  return { waits, options: { random: () => 0, wait, ...options } };
}

describe("retry", () => {
  it("gives the first success, and waits longer each time", async () => {
    const { waits, options } = noting({ attempts: 5 });
    const tries: number[] = [];
    const result = await retry(
      (attempt) => {
        tries.push(attempt);
        return attempt < 4 ? Promise.reject(new Error("again")) : Promise.resolve("done");
      },
      () => ({}),
      options,
    );
    assertEquals(result, "done");
    assertEquals(tries, [1, 2, 3, 4]);
    assertEquals(waits, [200, 600, 1800]);
  });

  it("gives up after so many tries, with the last error", async () => {
    const { waits, options } = noting();
    let tries = 0;
    await assertRejects(
      () => retry(() => Promise.reject(new Error(`try ${++tries}`)), () => ({}), options),
      Error,
      "try 4",
    );
    assertEquals(waits.length, 3);
  });

  it("stops at an error that is not worth another try", async () => {
    const { waits, options } = noting();
    await assertRejects(() => retry(() => Promise.reject(new Error("fatal")), () => false, options), Error, "fatal");
    assertEquals(waits, []);
  });

  it("leaves the choice to its option", async () => {
    const asked: [string, boolean][] = [];
    const { waits, options } = noting({
      when: (error, usual) => {
        asked.push([(error as Error).message, usual]);
        return !usual;
      },
    });
    const failing = (message: string, verdict: false | { afterMs: number }) =>
      assertRejects(() => retry(() => Promise.reject(new Error(message)), () => verdict, options), Error, message);
    await failing("fatal", false);
    assertEquals(waits, [200, 600, 1800]);
    await failing("busy", { afterMs: 1 });
    assertEquals(waits.length, 3);
    assertEquals(asked, [["fatal", false], ["fatal", false], ["fatal", false], ["busy", true]]);
  });

  it("waits as long as the other side asks, up to the longest wait", async () => {
    const asked = [5_000, 1, 900_000];
    const { waits, options } = noting();
    const work = retry(() => Promise.reject(new Error("busy")), () => ({ afterMs: asked.shift() }), options);
    await assertRejects(() => work, Error, "busy");
    assertEquals(waits, [5_000, 600, 60_000]);
  });

  it("bounds its own waits too, and spreads them by a tenth", async () => {
    const { waits, options } = noting({ delayMs: 1000, maxDelayMs: 3050, random: () => 1 });
    await assertRejects(() => retry(() => Promise.reject(new Error("busy")), () => ({}), options), Error, "busy");
    assertEquals(waits, [1100, 3050, 3050]);
  });

  it("does not try again after an abort", async () => {
    const controller = new AbortController();
    let tries = 0;
    const work = () => {
      tries++;
      controller.abort(new Error("enough"));
      return Promise.reject(controller.signal.reason);
    };
    await assertRejects(() => retry(work, () => ({}), noting({ signal: controller.signal }).options), Error, "enough");
    assertEquals(tries, 1);
    await assertRejects(() => retry(work, () => ({}), { signal: controller.signal }), Error, "enough");
    assertEquals(tries, 1);
  });

  it("ends a wait on an abort", async () => {
    const controller = new AbortController();
    const options = { delayMs: 3_600_000, maxDelayMs: 3_600_000, signal: controller.signal };
    const verdict = () => {
      setTimeout(() => controller.abort(new Error("enough")), 0);
      return {};
    };
    await assertRejects(() => retry(() => Promise.reject(new Error("busy")), verdict, options), Error, "enough");
  });
});
