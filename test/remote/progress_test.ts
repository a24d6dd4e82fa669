import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { GcraneError } from "../../src/errors.ts";
import { emptyImage, layerFromBytes, type ProgressEvent, streamLayer } from "../../src/image/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import { CUT, digestOf, FakeRegistry, firstBytes, problem } from "../fakes/mod.ts";
import { addImage, at, remoting } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";
import { pushing, watchedLayer, WAYS } from "./pushing.ts";
import { Puller } from "../../src/remote/mod.ts";

const CONTENT = noise(500_000, 8);
const DIGEST = digestOf(CONTENT);

/** The parts of a list of numbers that never fall. */
function climbs(events: ProgressEvent[]): number[][] {
  const parts: number[][] = [[]];
  for (const { complete } of events) {
    if (complete < (parts.at(-1)!.at(-1) ?? 0)) parts.push([]);
    parts.at(-1)!.push(complete);
  }
  return parts;
}

for (const way of WAYS) {
  describe(`the progress of an upload ${way}`, () => {
    it("climbs from nothing to everything, and ends as done", async () => {
      const events: ProgressEvent[] = [];
      await pushing(
        new FakeRegistry(),
        way,
        { onProgress: (event) => events.push(event) },
        async ({ pusher, repository }) => {
          await pusher.upload(repository, watchedLayer(CONTENT).layer);
        },
      );
      assertEquals(climbs(events).length, 1);
      assert(events.length > 5);
      assertEquals(
        new Set(events.map(({ id, kind, total }) => `${id} ${kind} ${total}`)),
        new Set([`${DIGEST} write 500000`]),
      );
      assertEquals([events[0].state, events[0].complete], ["waiting", 0]);
      assertEquals(events.slice(1, -1).every(({ state }) => state === "active"), true);
      assertEquals([events.at(-1)!.state, events.at(-1)!.complete], ["done", 500_000]);
      assertEquals(events[0].label, `layer ${DIGEST.slice(7, 19)}`);
    });

    it("falls back to where an upload is taken up again", async () => {
      const events: ProgressEvent[] = [];
      const registry = new FakeRegistry().on("PATCH", /./, async (request, usual) => {
        await usual({ body: firstBytes(request.body, 100_000) });
        return CUT;
      });
      await pushing(registry, way, { onProgress: (event) => events.push(event) }, async ({ pusher, repository }) => {
        await pusher.upload(repository, watchedLayer(CONTENT).layer);
      });
      const parts = climbs(events);
      assertEquals(parts.length, 2);
      assertEquals(parts[1][0], 100_000);
      assertEquals(events.at(-1)!.complete, 500_000);
    });

    it("ends as failed", async () => {
      const events: ProgressEvent[] = [];
      const registry = new FakeRegistry().on("PUT", /./, () => problem(400, "DIGEST_INVALID"));
      await pushing(registry, way, { onProgress: (event) => events.push(event) }, async ({ pusher, repository }) => {
        await assertRejects(() => pusher.upload(repository, watchedLayer(CONTENT).layer), GcraneError);
      });
      assertEquals(events.at(-1)!.state, "failed");
    });
  });
}

describe("progress", () => {
  it("of a blob that is there or mounted is one event after its announcement", async () => {
    const registry = new FakeRegistry();
    addImage(registry, "src", { tag: "v1", layers: [CONTENT] });
    registry.addBlob("app", CONTENT);
    const events: ProgressEvent[] = [];
    const { pusher } = remoting(registry, { onProgress: (event) => events.push(event) });
    await pusher.push(at("app:v1"), await new Puller({ client: pusher.client }).image(at("src:v1")));
    assertEquals(
      events.map(({ state, complete }) => `${state} ${complete}`).toSorted(),
      ["mounted 0", "skipped 0", "waiting 0", "waiting 0"],
    );
  });

  it("ends as failed before anything was sent", async () => {
    const events: ProgressEvent[] = [];
    const registry = new FakeRegistry().on("HEAD", /./, () => problem(403, "DENIED"));
    const { pusher } = remoting(registry, { onProgress: (event) => events.push(event) });
    await assertRejects(() => pusher.upload(at("app:v1").repository, watchedLayer(CONTENT).layer), GcraneError);
    assertEquals(events.map(({ state }) => state), ["waiting", "failed"]);
  });

  it("of a stream has no total, and a name for each", async () => {
    const events: ProgressEvent[] = [];
    const { pusher } = remoting(new FakeRegistry(), { onProgress: (event) => events.push(event) });
    for (let i = 0; i < 2; i++) {
      await pusher.upload(at("app:v1").repository, streamLayer(streamOf(CONTENT), { compression: "none" }));
    }
    assertEquals(
      new Set(events.map(({ id, label, total }) => `${id} ${label} ${total}`)),
      new Set([
        "stream 1 layer undefined",
        "stream 2 layer undefined",
      ]),
    );
    assertEquals(events.filter(({ state }) => state === "done").map(({ complete }) => complete), [500_000, 500_000]);
  });

  it("of a layer without a digest goes by the digest that it gets", async () => {
    const events: ProgressEvent[] = [];
    const { pusher } = remoting(new FakeRegistry(), { onProgress: (event) => events.push(event) });
    const layer = await layerFromBytes(CONTENT);
    await pusher.upload(at("app:v1").repository, layer);
    assertEquals(
      new Set(events.map(({ id, total }) => `${id} ${total}`)),
      new Set([`${await layer.digest()} ${await layer.size()}`]),
    );
    assertEquals(events.at(-1)!.state, "done");
  });

  it("has a last event for every object of a push", async () => {
    const events: ProgressEvent[] = [];
    const { pusher } = remoting(new FakeRegistry(), { onProgress: (event) => events.push(event) });
    await pusher.push(at("app:v1"), emptyImage());
    const last = new Map(events.map(({ id, state }) => [id, state]));
    assertEquals([...last.values()], ["done"]);
  });
});
