import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { RateLimit } from "../../src/io/mod.ts";

/** A limit whose time passes only by waiting. */
function limitOf(perSecond: number): { limit: RateLimit; clock: { now: number } } {
  const clock = { now: 1000 };
  const wait = (ms: number, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    clock.now += ms;
    return Promise.resolve();
  };
  return { limit: new RateLimit(perSecond, { now: () => clock.now, wait }), clock };
}

describe("RateLimit", () => {
  it("lets so many through in a second, the first at once", async () => {
    const { limit, clock } = limitOf(4);
    const at: number[] = [];
    for (let i = 0; i < 5; i++) {
      await limit.pass(1);
      at.push(clock.now);
    }
    assertEquals(at, [1000, 1250, 1500, 1750, 2000]);
  });

  it("lets what is larger pass at once, and what follows wait for it", async () => {
    const { limit, clock } = limitOf(1000);
    await limit.pass(5000);
    assertEquals(clock.now, 1000);
    await limit.pass(1);
    assertEquals(clock.now, 6000);
  });

  it("saves nothing up while nobody comes", async () => {
    const { limit, clock } = limitOf(2);
    await limit.pass(1);
    clock.now = 60_000;
    await limit.pass(1);
    await limit.pass(1);
    assertEquals(clock.now, 60_500);
  });

  it("ends a wait by the signal, and refuses a rate that lets nothing through", async () => {
    const { limit } = limitOf(1);
    const reason = new Error("enough");
    await limit.pass(1);
    assertEquals(await assertRejects(() => limit.pass(1, { signal: AbortSignal.abort(reason) })), reason);
    for (const rate of [0, -1, NaN]) assertThrows(() => new RateLimit(rate), RangeError, "above 0");
  });
});
