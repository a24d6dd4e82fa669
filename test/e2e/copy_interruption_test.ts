import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { push } from "../../src/crane/mod.ts";
import { FakeRegistry, fakeServer, problem, STALL } from "../fakes/mod.ts";
import { image } from "../make/copy_world.ts";
import { Place } from "../make/process_place.ts";
import { until } from "../make/waiting.ts";

describe("Ctrl-C in the middle of cp -r", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`ends it, and the same line goes on from there: ${signal}`, { timeout: 30_000 }, async () => {
      const [source, target] = [new FakeRegistry(), new FakeRegistry()];
      const [from, to] = [await fakeServer(source.handle), await fakeServer(target.handle)];
      const place = new Place();
      try {
        for (const seed of [1, 2, 3]) await push(image(seed), `${from.host}/r${seed}:v1`);
        // The last request is left waiting.
        const { promise: stalled, resolve } = Promise.withResolvers<void>();
        target.on("PUT", /\/r3\/manifests\/v1/, () => {
          resolve();
          return STALL as typeof STALL;
        });
        const line = `cp -r --journal journal ${from.host} ${to.host}`;
        const running = place.start(line);
        await stalled;
        const done = () => readFileSync(place.path("journal"), "utf8").match(/\{"done":/g)?.length;
        await until(() => done() === 2, { what: "two repositories in the journal" });
        running.signal(signal);
        assertEquals([await running.ended(), running.out], [signal === "SIGINT" ? 130 : 143, ""]);
        assertMatch(
          running.err,
          /^interrupted: 2 manifests copied, 2 repositories done; the same command continues from there\n$/,
        );
        const { code, err } = await place.gcrane(line);
        assertEquals(code, 0);
        assertMatch(
          err,
          /^copied 0 manifests and 1 tag; 0 manifests were there already \(1 repository, 2 more were done before\)\n$/,
        );
        assertEquals([...target.manifests.keys()].toSorted(), ["r1", "r2", "r3"]);
        assertEquals(target.manifestsOf("r3").has("v1"), true);
      } finally {
        place.remove();
        await from.close();
        await to.close();
      }
    });
  }

  it("ends it while it waits for a registry that is busy, which it says", { timeout: 30_000 }, async () => {
    const registry = new FakeRegistry();
    const server = await fakeServer(registry.handle);
    const place = new Place();
    try {
      await push(image(1), `${server.host}/app:v1`);
      const headers = { "content-type": "application/json", "retry-after": "75" };
      registry.on("GET", /app\/tags\/list/, () => ({ ...problem(429, "TOOMANYREQUESTS"), headers }));
      const running = place.start(`cp -r ${server.host}/app ${server.host}/copy`);
      await running.says("before the next request\n");
      running.signal("SIGINT");
      assertEquals(await running.ended(), 130);
      assertMatch(
        running.err,
        /^Warning: a registry is busy or out of reach, waiting 1m15s before the next request\ninterrupted: 0 manifests copied, /,
      );
    } finally {
      place.remove();
      await server.close();
    }
  });
});
