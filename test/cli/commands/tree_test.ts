import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { tree } from "../../../src/crane/mod.ts";
import { emptyImage, type Image, randomIndex } from "../../../src/image/mod.ts";
import { appendLayers, changeImage } from "../../../src/mutate/mod.ts";
import { formatBytes } from "../../../cli/units.ts";
import { file, layer } from "../../make/entry_layers.ts";
import { inWorld } from "../../make/command_world.ts";

const app = "registry.example.com/team/app:v1";
const index = randomIndex({ seed: 1, platforms: [{ os: "linux", architecture: "amd64" }] });

async function imageOf(created_by: string): Promise<Image> {
  return appendLayers(emptyImage(), [{ layer: (await layer(file("a"))).layer, history: { created_by } }]);
}

const short = (digest: string) => digest.slice(0, 19);

describe("gcrane tree", () => {
  it("draws an image with what refers to it, the shell of its steps left out", () =>
    inWorld(async (world) => {
      const image = await imageOf("RUN |1 A=1 /bin/sh -c make \x1b[2J all # buildkit");
      const digest = await world.push(image, app);
      const note = changeImage(emptyImage(), { subject: await image.descriptor(), artifactType: "text/note" });
      await world.push(note, `registry.example.com/team/app@${await note.digest()}`);
      const { config, layers: [only] } = await image.manifest();
      const { totalSize, referrers } = await tree(app, { fetch: world.fetch });
      const [head, ...lines] = (await world.data(`tree ${app}`)).split("\n");
      assertEquals(head, `${app}  image  ${short(digest)}  ${formatBytes(totalSize)}`);
      assertEquals(lines.slice(0, 3), [
        `├── config  ${short(config.digest)}  ${formatBytes(config.size)}`,
        `├── layer  ${short(only.digest)}  ${formatBytes(only.size)}  make \\x1b[2J all`,
        `└── referrer image text/note  ${short(referrers[0].digest)}  ${formatBytes(referrers[0].totalSize)}`,
      ]);
      assertMatch(lines[3], /^ {4}└── config /);
    }));

  it("draws the platforms of an index, and with --platform one of them", () =>
    inWorld(async (world) => {
      await world.push(index, app);
      assertMatch(
        await world.data(`tree ${app}`),
        /: *v1 +index +sha256:.*\n└── image linux\/amd64 +sha256:.*\n {4}├── config/,
      );
      assertMatch(await world.data(`tree --platform linux/amd64 ${app}`), /v1 +image linux\/amd64 .*\n├── config/);
    }));

  it("--json prints all that is known", () =>
    inWorld(async (world) => {
      await world.push(index, app);
      const printed = JSON.parse(await world.data(`tree --json ${app}`));
      assertEquals(printed, JSON.parse(JSON.stringify(await tree(app, { fetch: world.fetch }))));
    }));

  it("fits the terminal", () =>
    inWorld(async (world) => {
      await world.push(await imageOf("RUN " + "x".repeat(200)), app);
      const out = await world.data(`tree ${app}`, { terminal: { columns: 40, rows: 20 } });
      assertEquals(out.split("\n").filter((line) => line.length > 40), []);
    }));
});
