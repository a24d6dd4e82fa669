import { assertEquals, assertFalse } from "@std/assert";
import { describe, it } from "node:test";
import { ESTARGZ_TOC_DIGEST } from "../../src/image/internal.ts";
import { randomIndex, streamLayer, validateIndex } from "../../src/image/mod.ts";
import { appendLayers, mapIndex } from "../../src/mutate/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { pullStream } from "../../src/runtime/mod.ts";
import { FakeRegistry } from "../fakes/mod.ts";
import { countedLayer, unbuiltIndex } from "../make/counted_layers.ts";
import { tarOf } from "../make/memory_source.ts";
import { imageOf } from "./pushing.ts";
import { at, remoting } from "../make/remoting.ts";
import { until } from "../make/waiting.ts";

const APP = parseRepository("registry.example.com/app");

describe("a push of an index whose layers are not compressed yet", () => {
  for (const to of [at("app:v1"), APP]) {
    it(`compresses each once, and pushes to ${to}`, async () => {
      const remote = remoting(new FakeRegistry());
      const { index, counted } = await unbuiltIndex();
      assertFalse(await index.digestKnown());
      const digest = await remote.pusher.push(to, index);
      assertEquals(counted.map(({ opened }) => opened), [1, 1, 1, 1]);
      const pulled = await remote.puller.index(APP.digest(digest));
      assertEquals((await pulled.manifest()).manifests.map(({ platform }) => platform?.architecture), [
        "amd64",
        "arm64",
        undefined,
        "amd64",
      ]);
      assertEquals((await pulled.manifest()).annotations, { made: "late" });
      await validateIndex(pulled);
    });
  }

  it("compresses once what is put on top of every image", async () => {
    const remote = remoting(new FakeRegistry());
    const top = await countedLayer("top");
    const index = mapIndex(randomIndex({ images: 3, seed: 5 }), (image) => appendLayers(image, [top.layer]));
    await validateIndex(await remote.puller.index(APP.digest(await remote.pusher.push(APP, index))));
    assertEquals(top.opened, 1);
  });

  it("tries again what failed", async () => {
    const registry = new FakeRegistry().on("PUT", /uploads/, () => ({ status: 400 }), 1);
    const remote = remoting(registry, { jobs: 1 });
    const { index } = await unbuiltIndex();
    await remote.pusher.push(APP, index).catch(() => {});
    await validateIndex(await remote.puller.index(APP.digest(await remote.pusher.push(APP, index))));
  });
});

describe("a one-shot layer", () => {
  it("is sent while it is read, not after", { timeout: 20_000 }, async () => {
    const remote = remoting(new FakeRegistry());
    const tar = await tarOf({ file: "content" });
    let reads = 0;
    const layer = streamLayer(pullStream({
      async read() {
        // A client that buffers the whole layer before it sends it would wait forever.
        if (++reads === 2) await until(() => remote.requests.some(({ method }) => method === "PATCH"));
        return [tar.subarray(0, 700), tar.subarray(700)][reads - 1];
      },
    }));
    await remote.pusher.push(at("app:v1"), imageOf(layer));
    assertEquals(reads, 3);
  });

  it("is sent once where several images hold it, and says what it is only then", async () => {
    const remote = remoting(new FakeRegistry());
    const tar = await tarOf({ file: "content" });
    let left: typeof tar | undefined = tar;
    const layer = streamLayer(pullStream({ read: () => [left, left = undefined][0] }), { estargz: true });
    const index = mapIndex(randomIndex({ images: 3, seed: 6 }), (image) => appendLayers(image, [layer]));
    const pulled = await remote.puller.index(APP.digest(await remote.pusher.push(APP, index)));
    await validateIndex(pulled);
    for (const { view } of await pulled.children()) {
      if (view.kind !== "image") throw new TypeError(view.kind);
      const { annotations } = (await view.manifest()).layers.at(-1)!;
      assertEquals(Object.keys(annotations ?? {}).includes(ESTARGZ_TOC_DIGEST), true);
    }
  });
});
