import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { diff } from "../../../src/crane/mod.ts";
import { emptyImage, type Image } from "../../../src/image/mod.ts";
import { appendLayers, changeImage } from "../../../src/mutate/mod.ts";
import type { TarNewEntry } from "../../../src/tar/mod.ts";
import { file, layer, symlink } from "../../make/entry_layers.ts";
import { inWorld } from "../../make/command_world.ts";

const [v1, v2] = ["registry.example.com/team/app:v1", "registry.example.com/team/app:v2"];

async function image(created_by: string, ...entries: TarNewEntry[]): Promise<Image> {
  return appendLayers(emptyImage(), [{ layer: (await layer(...entries)).layer, history: { created_by } }]);
}

const before = await image("make one", file("etc/motd", "old"), file("bin/tool", "x"), symlink("gone", "etc/motd"));
const after = changeImage(
  await image(
    "make two",
    file("etc/motd", "newer"),
    file("bin/tool", "x", { mode: 0o755, uid: 5 }),
    file("new\x1b", ""),
  ),
  { user: "1000" },
);

describe("gcrane diff", () => {
  it("prints nothing for the same image, and ends with 0", () =>
    inWorld(async (world) => {
      for (const name of [v1, v2]) await world.push(before, name);
      assertEquals(await world.data(`diff ${v1} ${v2}`), "");
      assertEquals(JSON.parse(await world.data(`diff --json ${v1} ${v2}`)).equal, true);
    }));

  it("prints what differs, and ends with 1", () =>
    inWorld(async (world) => {
      await world.push(before, v1);
      await world.push(after, v2);
      const { code, out, err } = await world.gcrane(`diff ${v1} ${v2}`);
      assertEquals([code, err], [1, ""]);
      const sections = out.trimEnd().split("\n\n").map((section) => section.split("\n"));
      assertEquals(sections.map(([title]) => title), [`--- ${v1}`, "Manifest", "Config", "Layers", "Files"]);
      assertEquals(sections[0][1], `+++ ${v2}`);
      assertMatch(sections[1].join("\n"), /^~ digest: "sha256:.*" → "sha256:.*"$/m);
      assertMatch(sections[2].join("\n"), /1000/);
      assertMatch(sections[3][1], /^- sha256:[0-9a-f]{12} +[\d.]+ k?B +make one$/);
      assertMatch(sections[3][2], /^\+ sha256:[0-9a-f]{12} +[\d.]+ k?B +make two$/);
      const [, tool, motd, gone, added] = sections[4];
      assertEquals(tool, "~ /bin/tool  mode 0644 → 0755, owner 0:0 → 5:0");
      assertMatch(motd, /^~ \/etc\/motd +size 3 → 5, digest sha256:[0-9a-f]{12} → sha256:[0-9a-f]{12}$/);
      assertMatch(gone, /^- \/gone +symlink \d{4} 0:0 → etc\/motd$/);
      assertEquals(added, "+ /new\\x1b  file 0644 0:0 0 B");
    }));

  it("--json prints all that is known, and ends with 1", () =>
    inWorld(async (world) => {
      await world.push(before, v1);
      await world.push(after, v2);
      const { code, out, err } = await world.gcrane(`diff --json ${v1} ${v2}`);
      assertEquals([code, err], [1, ""]);
      assertEquals(JSON.parse(out), JSON.parse(JSON.stringify(await diff(before, after))));
    }));

  it("of what is not there is an error", () =>
    inWorld(async (world) => {
      await world.push(before, v1);
      const { code, out, err } = await world.gcrane(`diff ${v1} ${v2}`);
      assertEquals([code, out], [1, ""]);
      assertMatch(err, /^Error: .*\/manifests\/v2: 404 /);
    }));
});
