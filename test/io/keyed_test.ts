import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { BoundedMap, KeyedMutex } from "../../src/io/mod.ts";

describe("KeyedMutex", () => {
  it("runs the works of one key one after the other, and those of another beside them", async () => {
    const mutex = new KeyedMutex();
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = mutex.run("a", async () => {
      log.push("first begins");
      await gate.promise;
      log.push("first ends");
    });
    const second = mutex.run("a", () => Promise.resolve(log.push("second")));
    await mutex.run("b", () => Promise.resolve(log.push("other")));
    assertEquals(log, ["first begins", "other"]);
    gate.resolve();
    await Promise.all([first, second]);
    assertEquals(log, ["first begins", "other", "first ends", "second"]);
  });

  it("goes on after a work that failed", async () => {
    const mutex = new KeyedMutex();
    const failed = mutex.run("a", () => Promise.reject(new Error("no")));
    const next = mutex.run("a", () => Promise.resolve("yes"));
    await assertRejects(() => failed, Error, "no");
    assertEquals(await next, "yes");
  });

  it("does not begin a work whose caller gave up, and lets the next one run after the first", async () => {
    const mutex = new KeyedMutex();
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = mutex.run("a", async () => {
      await gate.promise;
      log.push("first");
    });
    const stop = new AbortController();
    const second = mutex.run("a", () => Promise.resolve(log.push("second")), { signal: stop.signal });
    const third = mutex.run("a", () => Promise.resolve(log.push("third")));
    stop.abort(new Error("given up"));
    await assertRejects(() => second, Error, "given up");
    assertEquals(log, []);
    gate.resolve();
    await Promise.all([first, third]);
    assertEquals(log, ["first", "third"]);
  });
});

describe("BoundedMap", () => {
  it("forgets the entry that was set the longest ago", () => {
    const map = new BoundedMap<string, number>(2);
    map.set("a", 1).set("b", 2).set("a", 3).set("c", 4);
    assertEquals([...map], [["a", 3], ["c", 4]]);
  });
});
