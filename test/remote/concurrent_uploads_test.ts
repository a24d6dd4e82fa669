import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { layerFromBytes } from "../../src/image/mod.ts";
import { digestOf, FakeRegistry } from "../fakes/mod.ts";
import { noise } from "../make/bytes.ts";
import { pushing, watchedLayer } from "./pushing.ts";
import { until } from "../make/waiting.ts";

const UPLOADS = /\/uploads\//;
const CONTENT = noise(1_000_000, 5);
const DIGEST = digestOf(CONTENT);

describe("uploads at the same time", () => {
  it("are no more than jobs", async () => {
    for (const jobs of [1, 3]) {
      const running = { now: 0, most: 0 };
      const registry = new FakeRegistry().on("PATCH", UPLOADS, async (_, usual) => {
        running.most = Math.max(running.most, ++running.now);
        await new Promise((resolve) => setTimeout(resolve, 1));
        const answer = await usual();
        running.now--;
        return answer;
      }, 99);
      await pushing(registry, "in memory", { jobs }, async ({ pusher, repository }) => {
        const layers = Array.from({ length: 9 }, (_, i) => watchedLayer(noise(100_000, i)).layer);
        await Promise.all(layers.map((layer) => pusher.upload(repository, layer)));
        assertEquals(running.most, jobs);
      });
    }
  });

  it("of layers without digests do not block one another", async () => {
    await pushing(new FakeRegistry(), "in memory", { jobs: 2 }, async ({ pusher, repository }) => {
      const known = await layerFromBytes(noise(100_000), { compression: "none" });
      await known.digest();
      const layers = await Promise.all(
        Array.from({ length: 6 }, () => layerFromBytes(noise(100_000), { compression: "none" })),
      );
      await Promise.all([...layers, known, known].map((layer) => pusher.upload(repository, layer)));
    });
  });

  it("go on for one when another gives up", async () => {
    const released = Promise.withResolvers<void>();
    const registry = new FakeRegistry().on("PATCH", UPLOADS, async (_, usual) => {
      await released.promise;
      return await usual();
    });
    await pushing(registry, "in memory", {}, async ({ pusher, repository, requests }) => {
      const { layer } = watchedLayer(CONTENT);
      const stop = new AbortController();
      const first = pusher.upload(repository, layer, { signal: stop.signal });
      const second = pusher.upload(repository, layer);
      const impatient = new AbortController();
      const third = pusher.upload(repository, layer, { signal: impatient.signal });
      await until(() => requests.some(({ method }) => method === "PATCH"));
      impatient.abort(new Error("too long"));
      await assertRejects(() => third, Error, "too long");
      stop.abort(new Error("enough"));
      await assertRejects(() => first, Error, "enough");
      released.resolve();
      await second;
      assertEquals(requests.filter(({ method }) => method === "PATCH").length, 1);
      assertEquals(registry.blobsOf("app").has(DIGEST), true);
    });
  });
});
