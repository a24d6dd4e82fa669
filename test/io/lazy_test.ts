import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { abortable, lazy } from "../../src/io/mod.ts";

describe("lazy", () => {
  it("computes once, for callers at the same time and after", async () => {
    let runs = 0;
    const value = lazy(() => Promise.resolve({ run: ++runs }));
    const [first, second] = await Promise.all([value(), value()]);
    assertStrictEquals(first, second);
    assertStrictEquals(await value(), first);
    assertEquals(runs, 1);
  });

  it("computes nothing before it is asked", () => {
    lazy(() => {
      throw new Error("asked");
    });
  });

  it("forgets a failure, so that the next caller tries again", async () => {
    let runs = 0;
    const value = lazy(() => ++runs === 1 ? Promise.reject(new Error("first")) : Promise.resolve(runs));
    await assertRejects(() => value(), Error, "first");
    assertEquals(await value(), 2);
    assertEquals(await value(), 2);
  });

  it("ends only the wait of the caller that aborts", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    let runs = 0;
    const value = lazy(() => {
      runs++;
      return promise;
    });
    const controller = new AbortController();
    const patient = value();
    const impatient = value({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => impatient, Error, "enough");
    resolve("done");
    assertEquals(await patient, "done");
    assertEquals(await value(), "done");
    assertEquals(runs, 1);
  });

  it("goes on after the abort of its only caller", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const value = lazy(() => promise);
    const controller = new AbortController();
    const impatient = value({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => impatient, Error, "enough");
    resolve("done");
    assertEquals(await value(), "done");
  });

  it("does not start for a caller that has aborted", async () => {
    let runs = 0;
    const value = lazy(() => Promise.resolve(++runs));
    await assertRejects(() => value({ signal: AbortSignal.abort(new Error("before")) }), Error, "before");
    assertEquals(runs, 0);
  });
});

describe("abortable", () => {
  it("gives the promise's result or the signal's reason, whatever is first", async () => {
    const controller = new AbortController();
    assertEquals(await abortable(Promise.resolve(1), controller.signal), 1);
    await assertRejects(() => abortable(Promise.reject(new Error("own")), controller.signal), Error, "own");
    const waiting = abortable(new Promise(() => {}), controller.signal);
    controller.abort(new Error("reason"));
    await assertRejects(() => waiting, Error, "reason");
    await assertRejects(() => abortable(Promise.resolve(1), controller.signal), Error, "reason");
    // An unhandled rejection would fail the test's process.
    await assertRejects(() => abortable(Promise.reject(new Error("own")), controller.signal), Error, "reason");
    await new Promise((resolve) => setTimeout(resolve));
  });
});
