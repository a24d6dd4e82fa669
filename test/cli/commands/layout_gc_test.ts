import { assertEquals, assertMatch } from "@std/assert";
import { readdirSync } from "node:fs";
import { describe, it } from "node:test";
import { matchDigests, randomImage } from "../../../src/image/mod.ts";
import { createLayout } from "../../../src/layout/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

/** A layout from which an image was taken out, and the digests of the blobs that it leaves, sorted. */
async function withGarbage(world: World): Promise<{ path: string; garbage: string[] }> {
  const path = world.path("layout");
  const [kept, dropped] = [randomImage({ seed: 1 }), randomImage({ seed: 2 })];
  const layout = await createLayout(path);
  await layout.appendImage(kept);
  await layout.appendImage(dropped);
  await layout.removeDescriptors(matchDigests(await dropped.digest()));
  const layers = await Promise.all((await dropped.layers()).map((layer) => layer.digest()));
  return { path, garbage: [...layers, await dropped.configName(), await dropped.digest()].sort() };
}

describe("gcrane layout gc", () => {
  it("prints the digests that it removes, and says how much that was", () =>
    inWorld(async (world) => {
      const { path, garbage } = await withGarbage(world);
      const { code, out, err } = await world.gcrane(`layout gc ${path}`);
      assertEquals([code, out.split("\n").filter(Boolean).sort()], [0, garbage]);
      assertMatch(err, /^removed 4 blobs, \d+(\.\d)? kB\n$/);
      assertEquals(readdirSync(`${path}/blobs/sha256`).length, 4);
      assertEquals((await world.gcrane(`layout gc ${path}`)).err, "removed 0 blobs, 0 B\n");
    }));

  it("--dry-run removes nothing", () =>
    inWorld(async (world) => {
      const { path, garbage } = await withGarbage(world);
      const { out, err } = await world.gcrane(`layout gc --dry-run ${path}`);
      assertEquals(out.split("\n").filter(Boolean).sort(), garbage);
      assertMatch(err, /^would remove 4 blobs, /);
      assertEquals(readdirSync(`${path}/blobs/sha256`).length, 8);
    }));

  it("takes nothing but a layout", () =>
    inWorld(async (world) => {
      for (const path of [world.folder, world.path("none")]) {
        const { code, out, err } = await world.gcrane(`layout gc ${path}`);
        assertEquals([code, out], [1, ""]);
        assertMatch(err, /^Error: .* is not an OCI image layout: .* — .*\n$/);
      }
    }));
});
