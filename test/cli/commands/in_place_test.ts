import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { emptyIndex, type ImageIndex, randomImage } from "../../../src/image/mod.ts";
import { appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const app = "registry.example.com/app";

function multi(): ImageIndex {
  const images = ["amd64", "arm64"].map((architecture) =>
    changeImage(randomImage({ layers: 2 }), { platform: { os: "linux", architecture } })
  );
  return appendManifests(emptyIndex(), images);
}

/** Puts a base, an image on it with an index, and another base into the registry. */
async function setStage(world: World): Promise<void> {
  const base = changeImage(randomImage({ layers: 1 }), { platform: { os: "linux", architecture: "amd64" } });
  await world.push(base, "registry.example.com/base:v1");
  await world.push(randomImage({ layers: 1 }), "registry.example.com/base:v2");
  await world.push(multi(), `${app}:multi`);
  await world.push(randomImage({ layers: 2 }), `${app}:v1`);
  const rest = world.write("layer.tar", new Uint8Array(1024));
  await world.data(["mutate", "registry.example.com/base:v1", "--append", rest, "-t", `${app}:based`]);
}

/** The five commands that change something under a tag: the tag, and the line without it. */
const CHANGES: readonly (readonly [tag: string, line: string])[] = [
  ["v1", "mutate IMAGE -l a=b"],
  ["v1", "flatten IMAGE"],
  ["based", "rebase IMAGE --old-base registry.example.com/base:v1 --new-base registry.example.com/base:v2"],
  ["multi", "index append IMAGE -m registry.example.com/base:v1"],
  ["multi", "index filter IMAGE --platform linux/arm64"],
];

/** Runs a line on a tag. Returns the digests of the tag before and after, and what the line printed. */
async function changed(world: World, { tag, line, options = {} }: {
  tag: string;
  line: string;
  options?: Parameters<World["gcrane"]>[1];
}) {
  const image = `${app}:${tag}`;
  const before = (await world.data(`digest ${image}`)).trim();
  const { code, out, err } = await world.gcrane(line.replace("IMAGE", image), options);
  assertEquals(code, 0, err);
  return { image, before, after: (await world.data(`digest ${image}`)).trim(), out, err };
}

for (const [tag, line] of CHANGES) {
  describe(`gcrane ${line.replace(/ IMAGE.*/, "")} of a tag`, () => {
    it("leaves the tag and reports that on one line", () =>
      inWorld(async (world) => {
        await setStage(world);
        const { image, before, after, out, err } = await changed(world, { tag, line });
        assertEquals(after, before);
        assertNotEquals(out, `${app}@${before}\n`);
        assertEquals(err, `${image} still names the original: --in-place moves it to the result\n`);
      }));

    it("moves it with --in-place, and leaves another name alone with -t", () =>
      inWorld(async (world) => {
        await setStage(world);
        const named = await changed(world, { tag, line: `${line} -t ${app}:other` });
        assertEquals([named.after, named.err], [named.before, ""]);
        const { before, after, out, err } = await changed(world, { tag, line: `${line} --in-place` });
        assertNotEquals(after, before);
        assertEquals([out, err], [`${app}@${after}\n`, ""]);
        const both = await world.gcrane(`${line.replace("IMAGE", `${app}:${tag}`)} --in-place -t ${app}:other`);
        assertEquals([both.code, both.out], [2, ""]);
        assertStringIncludes(both.err, "-t and --in-place both name the result — leave out one");
      }));

    for (
      const [name, options, flag] of [
        ["the program's name", { names: ["bun", "crane"] }, ""],
        ["GCRANE_AS=crane", { environment: { GCRANE_AS: "crane" } }, ""],
        ["--as crane", {}, " --as crane"],
      ] as const
    ) {
      it(`moves it for crane, by ${name}`, () =>
        inWorld(async (world) => {
          await setStage(world);
          const crane = { ...options, ...("names" in options && { names: [...options.names] }) };
          const { before, after, out, err } = await changed(world, { tag, line: line + flag, options: crane });
          assertNotEquals(after, before);
          assertEquals([out, err], [`${app}@${after}\n`, ""]);
        }));
    }

    it("pushes the result of a digest by digest alone, also for crane", () =>
      inWorld(async (world) => {
        await setStage(world);
        const digest = (await world.data(`digest --full-ref ${app}:${tag}`)).trim();
        const tags = await world.data(`ls --tags ${app}`);
        for (const as of ["crane", "gcrane"]) {
          const out = await world.data(`${line.replace("IMAGE", digest)} --as ${as}`);
          assertMatch(out, /^registry\.example\.com\/app@sha256:[0-9a-f]{64}\n$/);
        }
        assertEquals(await world.data(`ls --tags ${app}`), tags);
        assertEquals((await world.data(`digest --full-ref ${app}:${tag}`)).trim(), digest);
        const refused = await world.gcrane(`${line.replace("IMAGE", digest)} --in-place`);
        assertEquals(refused.code, 2);
        assertStringIncludes(refused.err, "has no tag in a registry for its result — leave out --in-place");
      }));
  });
}

describe("the tags that stay", () => {
  it("are counted, when several images are changed", () =>
    inWorld(async (world) => {
      await setStage(world);
      const { code, err } = await world.gcrane(`mutate ${app}:v1 ${app}:multi -l a=b`);
      assertEquals([code, err], [0, "2 tags still name their originals: --in-place moves them to the result\n"]);
    }));

  it("stay for crane too where --repo sends the result elsewhere", () =>
    inWorld(async (world) => {
      await setStage(world);
      const line = "mutate IMAGE -l a=b --repo registry.example.com/else --as crane";
      const { before, after, out, err } = await changed(world, { tag: "v1", line });
      assertEquals([after, err], [before, ""]);
      assertMatch(out, /^registry\.example\.com\/else@sha256:/);
    }));

  it("can't be moved by an index without a base", () =>
    inWorld(async (world) => {
      await setStage(world);
      const { code, err } = await world.gcrane(`index append -m ${app}:v1 --in-place -t ${app}:all`);
      assertEquals(code, 2);
      assertStringIncludes(err, "--in-place requires a base — name the result with -t");
    }));
});
