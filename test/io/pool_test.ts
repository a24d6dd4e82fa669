import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { mapConcurrent, Semaphore } from "../../src/io/mod.ts";

/** Waits until nothing that is ready to run is left. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

describe("mapConcurrent", () => {
  it("gives the results in the items' order, whatever ends first", async () => {
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
    const results = mapConcurrent([0, 1, 2], { concurrency: 3 }, async (i) => {
      await gates[i].promise;
      return `result ${i}`;
    });
    for (const i of [2, 0, 1]) gates[i].resolve();
    assertEquals(await results, ["result 0", "result 1", "result 2"]);
  });

  it("runs as many as it may at the same time, and no more", async () => {
    let running = 0;
    let most = 0;
    await mapConcurrent(Array(20).keys(), { concurrency: 4 }, async () => {
      most = Math.max(most, ++running);
      await settled();
      running--;
    });
    assertEquals(most, 4);
  });

  it("draws an item only when somebody is free to work on it", async () => {
    let drawn = 0;
    function* items() {
      for (;;) yield ++drawn;
    }
    const gate = Promise.withResolvers<void>();
    const controller = new AbortController();
    const work = mapConcurrent(items(), { concurrency: 3, signal: controller.signal }, () => gate.promise);
    await settled();
    assertEquals(drawn, 3);
    controller.abort(new Error("stop"));
    gate.resolve();
    await assertRejects(() => work, Error, "stop");
    assertEquals(drawn, 3);
  });

  it("takes an asynchronous list, one item after the other, and closes it on a failure", async () => {
    let drawing = 0;
    let closed = false;
    async function* items() {
      try {
        for (let i = 0; i < 10; i++) {
          assertEquals(++drawing, 1);
          await settled();
          drawing--;
          yield i;
        }
      } finally {
        closed = true;
      }
    }
    assertEquals(
      await mapConcurrent(items(), { concurrency: 3 }, (i) => Promise.resolve(i * 2)),
      [
        ...Array(10).keys(),
      ].map((i) => i * 2),
    );
    closed = false;
    await assertRejects(
      () => mapConcurrent(items(), { concurrency: 2 }, (i) => i === 3 ? Promise.reject(new Error("3")) : settled()),
      Error,
      "3",
    );
    assert(closed);
  });

  it("passes on the failure of the list itself", async () => {
    function* items() {
      yield 1;
      throw new Error("list");
    }
    await assertRejects(() => mapConcurrent(items(), { concurrency: 2 }, settled), Error, "list");
  });

  it("aborts the others on the first failure, and leaves nothing running", async () => {
    const ended: number[] = [];
    const allStarted = Promise.withResolvers<void>();
    let started = 0;
    const work = mapConcurrent(Array(10).keys(), { concurrency: 3 }, async (i, signal) => {
      if (++started === 3) allStarted.resolve();
      await allStarted.promise;
      if (i === 1) throw new Error("the first");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await settled();
      ended.push(i);
      throw new Error("a later one");
    });
    await assertRejects(() => work, Error, "the first");
    assertEquals(ended.sort(), [0, 2]);
    assertEquals(started, 3);
  });

  it("starts nothing more after a failure", async () => {
    const started: number[] = [];
    const work = mapConcurrent(Array(10).keys(), { concurrency: 3 }, (i) => {
      started.push(i);
      return Promise.reject(new Error(`failure of ${i}`));
    });
    await assertRejects(() => work, Error, "failure of 0");
    assertEquals(started, [0]);
  });

  it("hands on the caller's abort, and fails with its reason", async () => {
    const controller = new AbortController();
    const work = mapConcurrent([1, 2], { concurrency: 1, signal: controller.signal }, async (_, signal) => {
      queueMicrotask(() => controller.abort(new Error("caller")));
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw new Error("consequence");
    });
    await assertRejects(() => work, Error, "caller");
    await assertRejects(
      () => mapConcurrent([1], { concurrency: 1, signal: controller.signal }, () => Promise.reject(new Error("ran"))),
      Error,
      "caller",
    );
  });

  it("refuses a concurrency below one", async () => {
    for (const concurrency of [0, -1, NaN]) {
      await assertRejects(() => mapConcurrent([1], { concurrency }, settled), RangeError);
    }
  });
});

describe("Semaphore", () => {
  it("lets a bounded number in, in the order of their coming", async () => {
    const semaphore = new Semaphore(2);
    const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
    const entered: number[] = [];
    const runs = gates.map(({ promise }, i) =>
      semaphore.run(async () => {
        entered.push(i);
        await promise;
        return i;
      })
    );
    await settled();
    assertEquals(entered, [0, 1]);
    gates[1].resolve();
    await settled();
    assertEquals(entered, [0, 1, 2]);
    for (const gate of gates) gate.resolve();
    assertEquals(await Promise.all(runs), [0, 1, 2, 3]);
  });

  it("lets the next in after a failure", async () => {
    const semaphore = new Semaphore(1);
    await assertRejects(() => semaphore.run(() => Promise.reject(new Error("own"))), Error, "own");
    assertEquals(await semaphore.run(() => Promise.resolve("next")), "next");
  });

  it("lets one that waits leave, and keeps the place of the others", async () => {
    const semaphore = new Semaphore(1);
    const gate = Promise.withResolvers<void>();
    const holder = semaphore.run(() => gate.promise);
    const controller = new AbortController();
    const leaver = semaphore.run(() => Promise.resolve("entered"), { signal: controller.signal });
    const stayer = semaphore.run(() => Promise.resolve("entered"));
    controller.abort(new Error("left"));
    await assertRejects(() => leaver, Error, "left");
    gate.resolve();
    await holder;
    assertEquals(await stayer, "entered");
    await assertRejects(() => semaphore.run(settled, { signal: controller.signal }), Error, "left");
  });
});
