import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { type Expiring, renewing } from "../../src/authn/renewing.ts";

/** A value that is obtained under a clock that stands still unless it is moved. */
class Bench {
  now = 0;
  /** How often it was obtained. */
  count = 0;
  next: () => Promise<Expiring<string> | undefined> = () => this.lasting(1000);
  readonly get = renewing(() => {
    this.count++;
    return this.next();
  }, { now: () => this.now });

  lasting(seconds: number): Promise<Expiring<string>> {
    return Promise.resolve({ value: `value-${this.count}`, expiresAt: this.now + seconds * 1000 });
  }
}

describe("a value that is renewed", () => {
  it("is obtained when it is first asked for", async () => {
    const bench = new Bench();
    assertEquals(bench.count, 0);
    assertEquals([await bench.get(), await bench.get(), bench.count], ["value-1", "value-1", 1]);
  });

  it("is renewed a minute before its end, or halfway through a short life", async () => {
    for (const [seconds, renewAfter] of [[1000, 940], [121, 61], [100, 50], [2, 1]]) {
      const bench = new Bench();
      bench.next = () => bench.lasting(seconds);
      await bench.get();
      bench.now = renewAfter * 1000 - 1;
      assertEquals(await bench.get(), "value-1", `${seconds} s`);
      bench.now = renewAfter * 1000;
      assertEquals(await bench.get(), "value-2", `${seconds} s`);
    }
  });

  it("is asked for each time when it has no life, and never again when it has no end", async () => {
    const bench = new Bench();
    bench.next = () => bench.lasting(0);
    assertEquals([await bench.get(), await bench.get()], ["value-1", "value-2"]);
    bench.next = () => bench.lasting(Infinity);
    await bench.get();
    bench.now = Number.MAX_SAFE_INTEGER;
    assertEquals(await bench.get(), "value-3");
  });

  it("survives a renewal that fails or finds nothing, which is tried again after ten seconds", async () => {
    for (const fails of [() => Promise.reject(new Error("down")), () => Promise.resolve(undefined)]) {
      const bench = new Bench();
      await bench.get();
      bench.next = fails;
      bench.now = 940_000;
      assertEquals([await bench.get(), await bench.get(), bench.count], ["value-1", "value-1", 2]);
      bench.now += 10_000;
      assertEquals([await bench.get(), bench.count], ["value-1", 3]);
      bench.now = 1000_000;
      await assertRejects(() => bench.get());
      bench.next = () => bench.lasting(1000);
      bench.now += 10_000;
      assertEquals(await bench.get(), "value-5");
    }
  });

  it("fails for all who share the attempt, and for those of the next ten seconds, with one error", async () => {
    const bench = new Bench();
    const error = new Error("down");
    bench.next = () => Promise.reject(error);
    const failures = await Promise.all([bench.get(), bench.get()].map((each) => each.catch((reason) => reason)));
    bench.now = 9999;
    failures.push(await bench.get().catch((reason) => reason));
    assertEquals(failures.every((reason) => reason === error), true);
    assertEquals(bench.count, 1);
  });

  it("may fail with nobody left to hear of it", async () => {
    const bench = new Bench();
    const { promise, reject } = Promise.withResolvers<undefined>();
    bench.next = () => promise;
    const controller = new AbortController();
    const waiting = bench.get({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => waiting, Error, "enough");
    reject(new Error("down"));
    await assertRejects(() => bench.get(), Error, "down");
    assertEquals(bench.count, 1);
  });

  it("is not even asked for by who has given up already", async () => {
    const bench = new Bench();
    await assertRejects(() => bench.get({ signal: AbortSignal.abort(new Error("enough")) }), Error, "enough");
    assertEquals(bench.count, 0);
  });
});
