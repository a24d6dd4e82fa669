import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { diskUse } from "../../../src/crane/mod.ts";
import { emptyImage, type Image } from "../../../src/image/mod.ts";
import { appendLayers } from "../../../src/mutate/mod.ts";
import { writeTarballFile } from "../../../src/tarball/mod.ts";
import { readFileSync } from "node:fs";
import { file, layer } from "../../make/entry_layers.ts";
import { inWorld } from "../../make/command_world.ts";

const app = "registry.example.com/team/app:v1";

async function image(): Promise<Image> {
  const lower = await layer(file("var/cache/big\u202e", "x".repeat(2000)), file("bin/tool", "y".repeat(500)));
  const upper = await layer(file("var/.wh.cache", ""));
  return appendLayers(emptyImage(), [
    { layer: lower.layer, history: { created_by: "/bin/sh -c #(nop) ADD file:1 in / " } },
    { layer: upper.layer, history: { created_by: "RUN /bin/sh -c rm -r /var/cache # buildkit" } },
  ]);
}

describe("gcrane du", () => {
  it("prints layers, directories and wasted files", () =>
    inWorld(async (world) => {
      await world.push(await image(), app);
      const lines = (await world.data(`du --depth 1 ${app}`)).split("\n");
      assertMatch(lines[0], /^STORED +USED +WASTED +LAYER$/);
      assertMatch(lines[1], / 500 B +2\.0 kB +sha256:[0-9a-f]{12} +ADD file:1 in \/$/);
      assertMatch(lines[2], / 0 B +0 B +sha256:[0-9a-f]{12} +rm -r \/var\/cache$/);
      assertMatch(lines[3], / 500 B +2\.0 kB +all$/);
      assertEquals(lines.slice(4), [
        "",
        " USED  WASTED  DIRECTORY",
        "500 B  2.0 kB  /",
        "  0 B  2.0 kB  /var",
        "500 B     0 B  /bin",
        "",
        "WASTED  IN LAYER  FILE",
        "2.0 kB         1  /var/cache/big\\x202e",
        "",
      ]);
    }));

  it("--json prints all that is known", () =>
    inWorld(async (world) => {
      await world.push(await image(), app);
      const printed = JSON.parse(await world.data(`du --json --top 1 ${app}`));
      assertEquals(printed, await diskUse(await image(), { top: 1 }));
    }));

  it("reads a tarball from standard input", () =>
    inWorld(async (world) => {
      await writeTarballFile(world.path("app.tar"), [{ reference: "app:v1", image: await image() }]);
      const stdin = new Uint8Array(readFileSync(world.path("app.tar")));
      assertEquals(JSON.parse(await world.data("du --json -", { stdin })).wasted, 2000);
    }));
});
