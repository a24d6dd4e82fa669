import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { emptyIndex, type Image, randomImage } from "../../../src/image/mod.ts";
import { appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import { parsePlatform } from "../../../src/spec/mod.ts";
import { DEFAULT_PLATFORM_NOTE, inWorld, type World } from "../../make/command_world.ts";

const app = "registry.example.com/app";
const names = ["linux/amd64", "linux/arm64", "linux/arm/v7", "windows/amd64"];
const images = names.map((platform): Image =>
  changeImage(randomImage({ layers: 1 }), { platform: parsePlatform(platform) })
);
const index = appendManifests(emptyIndex(), images.slice(0, 3));
/** An index with one inside. */
const nested = appendManifests(emptyIndex(), [index, images[3]]);
const TWO = "--platform linux/arm64,linux/arm/v7";

/** The platforms of what an index lists. */
async function platformsAt(world: World, name: string): Promise<string[]> {
  assertEquals(await world.data(`validate ${name}`), `PASS: ${name}\n`);
  return (await world.data(`index list ${name}`)).trimEnd().split("\n").slice(1).map((line) => line.split(/\s+/)[2]);
}

async function labelsAt(world: World, reference: string): Promise<(string | undefined)[]> {
  const { manifests } = JSON.parse(await world.data(`manifest ${reference}`));
  return await Promise.all(manifests.map(async ({ digest }: { digest: string }) => {
    const { config } = JSON.parse(await world.data(`config ${app}@${digest}`));
    return config?.Labels?.a;
  }));
}

const inFilledWorld = (test: (world: World) => Promise<void>) =>
  inWorld(async (world) => {
    await world.push(index, `${app}:all`);
    await world.push(nested, `${app}:nested`);
    await world.push(images[1], `${app}:arm64`);
    await test(world);
  });

describe("several --platform", () => {
  for (
    const [line, result] of [
      [`copy ${TWO} ${app}:all ${app}:two`, `${app}:two`],
      [`copy --platform linux/arm64 --platform linux/arm/v7 ${app}:nested ${app}:two`, `${app}:two`],
      [`pull --format oci ${TWO} ${app}:all LAYOUT`, "LAYOUT:"],
      [`mutate ${TWO} ${app}:all -l a=b -t ${app}:two`, `${app}:two`],
      [`flatten ${TWO} ${app}:nested -t ${app}:two`, `${app}:two`],
      [`rebase ${TWO} ${app}:all --old-base ${app}:all --new-base ${app}:all -t ${app}:two`, `${app}:two`],
      [`index append -m ${app}:all ${TWO} -t ${app}:two`, `${app}:two`],
      [`index filter ${app}:all ${TWO} -t ${app}:two`, `${app}:two`],
    ] as const
  ) {
    it(`makes an index of their images alone: ${line.replaceAll("registry.example.com/", "")}`, () =>
      inFilledWorld(async (world) => {
        const words = line.split(" ").map((word) => word === "LAYOUT" ? world.path("layout") : word);
        await world.data(words);
        if (result !== "LAYOUT:") return assertEquals(await platformsAt(world, result), names.slice(1, 3));
        await world.data(`push ${world.path("layout")} ${app}:two`);
        assertEquals(await platformsAt(world, `${app}:two`), names.slice(1, 3));
      }));
  }

  it("pushes two of a layout, takes an image as it is, and reads two to validate them", () =>
    inFilledWorld(async (world) => {
      const layout = world.path("layout");
      await world.data(`pull --format oci ${app}:all ${layout}`);
      await world.data(`push ${TWO} ${layout} ${app}:two`);
      assertEquals(await platformsAt(world, `${app}:two`), names.slice(1, 3));
      await world.data(`copy ${TWO} ${app}:arm64 ${app}:same`);
      assertEquals(await world.data(`digest ${app}:same`), `${await images[1].digest()}\n`);
      world.requests.length = 0;
      assertEquals(await world.data(`validate ${TWO} ${app}:all`), `PASS: ${app}:all\n`);
      const read = (await Promise.all(images.map((image) => image.configName())))
        .map((config) => world.requests.some((request) => request.endsWith(config)));
      assertEquals(read, [false, true, true, false]);
    }));

  it("strips to the image itself where it is one", () =>
    inFilledWorld(async (world) => {
      await world.data(`copy --platform linux/arm64 ${app}:all ${app}:one`);
      assertEquals(await world.data(`digest ${app}:one`), `${await images[1].digest()}\n`);
      await world.data(`copy --platform all ${app}:all ${app}:whole`);
      assertEquals(await world.data(`digest ${app}:whole`), `${await index.digest()}\n`);
    }));

  it("names one that is not there, also if others are", () =>
    inFilledWorld(async (world) => {
      for (const verb of ["copy", "mutate", "flatten"]) {
        const destination = verb === "copy" ? `${app}:two` : `-t ${app}:two`;
        const line = `${verb} --platform linux/arm64,linux/s390x ${app}:all ${destination}`;
        const { code, out, err } = await world.gcrane(line);
        assertEquals([code, out], [1, ""]);
        assertEquals(
          err,
          `Error: index ${await index
            .digest()} has no image for linux/s390x; it has linux/amd64, linux/arm64, linux/arm/v7` +
            " — choose one of its platforms with --platform\n",
        );
        assertEquals((await world.gcrane(`digest ${app}:two`)).code, 1);
      }
    }));

  for (
    const line of [
      "config all",
      "manifest all",
      "digest all",
      "export all -",
      "du all",
      "diff all all",
      "tree all",
      "pull all out.tar",
      "pull --format legacy all out.tar",
      "append -b all -f . -t new",
      "mutate all -o out.tar",
      "edit config all",
      "edit manifest all",
    ]
  ) {
    it(`is wrong usage where one image is meant: ${line}`, () =>
      inFilledWorld(async (world) => {
        const words = line.replace(/\ball\b/g, `${app}:all`).replace(/\bnew\b/, `${app}:new`);
        world.requests.length = 0;
        const { code, out, err } = await world.gcrane(`${words} ${TWO}`);
        assertEquals([code, out, world.requests], [2, "", []]);
        assertStringIncludes(
          err,
          "Error: this command requires one image of an index, not 2 — name one platform with --platform\nUsage: ",
        );
      }));
  }

  for (
    const [flags, message] of [
      ["--platform all,linux/amd64", "--platform has both all and a platform — leave out one"],
      ["--platform=", "--platform is empty — for example linux/arm64"],
      ["--platform linux/amd64,a/b/c/d", "--platform a/b/c/d: platform "],
    ]
  ) {
    it(`is wrong usage: ${flags}`, () =>
      inFilledWorld(async (world) => {
        const { code, err } = await world.gcrane(`copy ${flags} ${app}:all ${app}:two`);
        assertEquals(code, 2);
        assertStringIncludes(err, `Error: ${message}`);
      }));
  }
});

describe("--keep-others", () => {
  it("changes the images for the platforms alone, in the whole index", () =>
    inFilledWorld(async (world) => {
      await world.data(`mutate ${app}:all ${TWO} --keep-others -l a=b -t ${app}:kept`);
      assertEquals(await platformsAt(world, `${app}:kept`), names.slice(0, 3));
      assertEquals(await labelsAt(world, `${app}:kept`), [undefined, "b", "b"]);
      await world.data(`mutate ${app}:kept --platform linux/amd64 --keep-others -l a=c -t ${app}:kept`);
      assertEquals(await labelsAt(world, `${app}:kept`), ["c", "b", "b"]);
      const base = `--old-base ${app}:all --new-base ${app}:all`;
      const rebased = await world.unmoved(`rebase ${app}:all ${base} --platform linux/amd64 --keep-others`);
      const { manifests } = JSON.parse(await world.data(`manifest ${rebased.trim()}`));
      const before = JSON.parse(await world.data(`manifest ${app}:all`)).manifests;
      assertEquals(
        manifests.map(({ digest }: { digest: string }, i: number) => digest === before[i].digest),
        [false, true, true],
      );
    }));

  it("needs platforms that are there, and an index to keep them in", () =>
    inFilledWorld(async (world) => {
      for (
        const [flags, code, message] of [
          ["-l a=b", 2, "--keep-others requires --platform — name the platforms of the images to change"],
          ["-l a=b --platform linux/s390x", 1, "has no image for linux/s390x; it has linux/amd64"],
          ["-o out.tar --platform linux/arm64", 2, "-o writes one image, which excludes --keep-others, --in-place and"],
        ] as const
      ) {
        const result = await world.gcrane(`mutate ${app}:all --keep-others ${flags}`);
        assertEquals([result.code, result.out], [code, ""]);
        assert(result.err.includes(message), result.err);
      }
    }));
});

describe("one image of an index, without --platform", () => {
  for (
    const line of [
      "config all",
      "config nested",
      "export all -",
      "du all",
      "diff all nested",
      "diff arm64 all",
      "pull all OUT",
      "pull --format legacy all all OUT",
      "copy all OUT",
      "copy all -",
      "append -b all -f OUT -t new",
      "mutate all -l a=b -o OUT",
    ]
  ) {
    it(`is that for linux/amd64, which is noted once: ${line}`, () =>
      inFilledWorld(async (world) => {
        if (line.startsWith("append")) {
          await world.data(`export --platform linux/amd64 ${app}:all ${world.path("a.tar")}`);
        }
        const words = line.replaceAll(/\b(all|nested|arm64|new)\b/g, `${app}:$1`).replaceAll(
          "OUT",
          world.path("a.tar"),
        );
        assertEquals((await world.gcrane(words)).err, DEFAULT_PLATFORM_NOTE);
        assertEquals((await world.gcrane(`${words} --platform linux/amd64`)).err, "");
      }));
  }

  it("is noted for --platform all too, which most commands take", () =>
    inFilledWorld(async (world) => {
      const { code, err } = await world.gcrane(`config --platform all ${app}:all`);
      assertEquals([code, err], [
        0,
        "Used linux/amd64 alone, as this command is for one platform: --platform chooses another\n",
      ]);
    }));

  it("is not noted where there is no choice: one image with its attestation, or an image", () =>
    inFilledWorld(async (world) => {
      const attestation = changeImage(randomImage({ layers: 1 }), { platform: parsePlatform("unknown/unknown") });
      await world.push(appendManifests(emptyIndex(), [images[0], attestation]), `${app}:attested`);
      for (const tag of ["attested", "arm64"]) await world.data(`config ${app}:${tag}`);
    }));

  it("is not noted where crane's habits hold, as crane is silent", () =>
    inFilledWorld(async (world) => {
      await world.data(`config --as crane ${app}:all`);
    }));

  it("is not noted where all are read, or none", () =>
    inFilledWorld(async (world) => {
      for (const verb of ["manifest", "digest", "tree", "validate"]) await world.data(`${verb} ${app}:all`);
      await world.data(`copy ${app}:all ${world.path("layout")}`);
    }));
});
