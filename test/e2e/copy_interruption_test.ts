import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { push } from "../../src/crane/mod.ts";
import { FakeRegistry, fakeServer, STALL } from "../fakes/mod.ts";
import { image } from "../gcr/copy_world.ts";
import { Place } from "./place.ts";

describe("Ctrl-C in the middle of cp -r", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`ends it, and the same line goes on from there: ${signal}`, { timeout: 30_000 }, async () => {
      const [source, target] = [new FakeRegistry(), new FakeRegistry()];
      const [from, to] = [await fakeServer(source.handle), await fakeServer(target.handle)];
      const place = new Place();
      try {
        for (const seed of [1, 2, 3]) await push(image(seed), `${from.host}/r${seed}:v1`);
        // Whoever comes last is left waiting for ever.
        const { promise: stalled, resolve } = Promise.withResolvers<void>();
        target.on("PUT", /\/r3\/manifests\/v1/, () => {
          resolve();
          return STALL as typeof STALL;
        });
        const line = `cp -r --journal journal ${from.host} ${to.host}`;
        const running = place.start(line);
        await stalled;
        const done = () => readFileSync(place.path("journal"), "utf8").match(/\{"done":/g)?.length;
        while (done() !== 2) await delay(5);
        running.signal(signal);
        assertEquals([await running.ended(), running.out], [signal === "SIGINT" ? 130 : 143, ""]);
        assertMatch(
          running.err,
          /^interrupted: 2 manifests copied, 2 repositories done; the same command goes on from there\n$/,
        );
        const { code, err } = await place.gcrane(line);
        assertEquals(code, 0);
        assertMatch(
          err,
          /^copied 0 manifests and 1 tag; 0 manifests were there \(1 repository, 2 more were done before\)\n$/,
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
});
