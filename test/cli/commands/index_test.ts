import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { emptyIndex, type Image, randomImage, validateIndex } from "../../../src/image/mod.ts";
import { createLayout } from "../../../src/layout/mod.ts";
import { appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import { parseReference } from "../../../src/name/mod.ts";
import { Puller } from "../../../src/remote/mod.ts";
import { MediaType, parsePlatform, platformString } from "../../../src/spec/mod.ts";
import { writeTarballFile } from "../../../src/tarball/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const [app, multi] = ["registry.example.com/app", "registry.example.com/multi"];

function imageFor(platform: string): Image {
  return changeImage(randomImage({ layers: 1 }), { platform: parsePlatform(platform) });
}

async function indexAt(world: World, reference: string) {
  return await new Puller({ fetch: world.fetch }).index(parseReference(reference.trim()));
}

/** The platforms of what an index lists. */
async function platformsAt(world: World, reference: string): Promise<string[]> {
  const index = await indexAt(world, reference);
  await validateIndex(index);
  return (await index.manifest()).manifests.map(({ platform }) => platform ? platformString(platform) : "-");
}

async function pushMulti(world: World, ...platforms: string[]): Promise<void> {
  await world.push(appendManifests(emptyIndex(), platforms.map(imageFor)), `${multi}:v1`);
}

describe("gcrane index append", () => {
  it("makes an index of images, and sends no layer", () =>
    inWorld(async (world) => {
      await world.push(imageFor("linux/amd64"), `${app}:amd64`);
      await world.push(imageFor("linux/arm/v7"), `${app}:arm`);
      world.requests.length = 0;
      const pushed = await world.data(`index append -m ${app}:amd64 -m ${app}:arm -t ${app}:all`);
      assertEquals(world.requests.filter((request) => /^(POST|PATCH) |^GET .*\/blobs\/uploads/.test(request)), []);
      assertEquals(pushed, await world.data(`digest --full-ref ${app}:all`));
      assertEquals(await platformsAt(world, pushed), ["linux/amd64", "linux/arm/v7"]);
      assertEquals(await (await indexAt(world, pushed)).mediaType(), MediaType.OciImageIndex);
      const docker = await world.data(`index append -m ${app}:amd64,${app}:arm -t ${app}:docker --docker-empty-base`);
      assertEquals(await (await indexAt(world, docker)).mediaType(), MediaType.DockerManifestList);
    }));

  it("puts images into an index, which stays as it is under its tag", () =>
    inWorld(async (world) => {
      await pushMulti(world, "linux/amd64");
      await world.push(imageFor("linux/arm64"), `${app}:arm64`);
      const before = await world.data(`digest ${multi}:v1`);
      const pushed = await world.unmoved(`index append ${multi}:v1 ${app}:arm64`);
      assert(pushed.startsWith(`${multi}@sha256:`), pushed);
      assertEquals(await platformsAt(world, pushed), ["linux/amd64", "linux/arm64"]);
      assertEquals(await world.data(`digest ${multi}:v1`), before);
    }));

  it("puts in the members of an index, the index, or its image for a platform", () =>
    inWorld(async (world) => {
      await pushMulti(world, "linux/amd64", "linux/arm64");
      const line = `index append -m ${multi}:v1 -t ${app}:all`;
      assertEquals(await platformsAt(world, await world.data(line)), ["linux/amd64", "linux/arm64"]);
      const nested = await indexAt(world, await world.data(`${line} --flatten=false`));
      assertEquals((await nested.manifest()).manifests.map(({ mediaType }) => mediaType), [MediaType.OciImageIndex]);
      assertEquals(await platformsAt(world, await world.data(`${line} --platform linux/arm64`)), ["linux/arm64"]);
    }));

  it("takes tarballs and layouts", () =>
    inWorld(async (world) => {
      const tarball = world.path("app.tar");
      await writeTarballFile(tarball, [{ reference: "app:v1", image: imageFor("linux/amd64") }]);
      const layout = await createLayout(world.path("layout"));
      await layout.appendImage(imageFor("linux/arm64"));
      const line = `index append -m ${tarball} -m ${layout.path} -t ${app}:all`;
      assertEquals(await platformsAt(world, await world.data(line)), ["linux/amd64", "linux/arm64"]);
      await layout.appendImage(imageFor("linux/s390x"), { platform: parsePlatform("linux/s390x") });
      assertEquals((await platformsAt(world, await world.data(line))).length, 3);
      const one = await world.data(`index append -m ${layout.path} --platform linux/s390x -t ${app}:one`);
      assertEquals(await platformsAt(world, one), ["linux/s390x"]);
    }));

  it("puts images into a layout, which it makes", () =>
    inWorld(async (world) => {
      await pushMulti(world, "linux/amd64", "linux/arm64");
      await world.push(imageFor("linux/s390x"), `${app}:v1`);
      const layout = world.path("layout");
      assertEquals(await world.data(`index append ${layout} -m ${multi}:v1`), "");
      assertEquals(await world.data(`index append ${layout} -m ${app}:v1`), "");
      const rows = (await world.data(`index list ${layout}`)).trimEnd().split("\n").map((line) => line.split(/\s+/)[2]);
      assertEquals(rows, ["Platform", "linux/amd64", "linux/arm64", "linux/s390x"]);
      const { code } = await world.gcrane(`index append ${world.path("none")} -m ${app}:missing`);
      assertEquals([code, existsSync(world.path("none"))], [1, false]);
    }));

  for (
    const [flags, message] of [
      ["", "no image to add is given — name it with -m"],
      [`-m ${app}:v1`, "a new index has no name yet — give it one with -t"],
      [
        `${multi}:v1 -m ${app}:v1 --docker-empty-base`,
        "--docker-empty-base is for an index without a base — leave out one of the two",
      ],
    ]
  ) {
    it(`says what is wrong with: index append ${flags}`, () =>
      inWorld(async (world) => {
        const { code, out, err } = await world.gcrane(`index append ${flags}`);
        assertEquals([code, out, err.split("\n")[0], world.requests], [2, "", `Error: ${message}`, []]);
      }));
  }

  it("refuses a base that is an image", () =>
    inWorld(async (world) => {
      await world.push(randomImage(), `${app}:v1`);
      const { code, out, err } = await world.gcrane(`index append ${app}:v1 -m ${app}:v1`);
      assertEquals([code, out], [1, ""]);
      assertEquals(err, `Error: ${app}:v1 is not an index but ${MediaType.OciManifest}\n`);
    }));
});

describe("gcrane index filter", () => {
  for (
    const [flags, kept] of [
      ["--platform linux", ["linux/amd64", "linux/arm64"]],
      ["--platform linux/arm64,windows", ["linux/arm64", "windows/amd64"]],
      ["--platform linux/amd64 --platform windows/amd64", ["linux/amd64", "windows/amd64"]],
    ] as const
  ) {
    it(`keeps what is asked for: ${flags}`, () =>
      inWorld(async (world) => {
        await pushMulti(world, "linux/amd64", "linux/arm64", "windows/amd64");
        const before = await world.data(`digest ${multi}:v1`);
        world.requests.length = 0;
        const pushed = await world.unmoved(`index filter ${multi}:v1 ${flags}`);
        assertEquals(world.requests.filter((request) => /\/blobs\//.test(request) && !/^HEAD /.test(request)), []);
        assert(pushed.startsWith(`${multi}@sha256:`), pushed);
        assertEquals(await platformsAt(world, pushed), [...kept]);
        assertEquals(await world.data(`digest ${multi}:v1`), before);
        assertEquals(
          await world.data(`index filter ${multi}:v1 ${flags} -t ${app}:few`),
          await world.data(`digest --full-ref ${app}:few`),
        );
      }));
  }

  it("does not make an empty index", () =>
    inWorld(async (world) => {
      await pushMulti(world, "linux/amd64", "linux/arm64");
      const { code, out, err } = await world.gcrane(`index filter ${multi}:v1 --platform plan9`);
      assertEquals([code, out], [1, ""]);
      assertEquals(err, `Error: ${multi}:v1 has nothing for plan9; it has linux/amd64, linux/arm64\n`);
    }));

  for (
    const [flags, message] of [
      ["", "no platform is given — name the platforms to keep with --platform"],
      ["--platform=", "--platform is empty — for example linux/arm64"],
    ]
  ) {
    it(`says what is wrong with: index filter ${flags}`, () =>
      inWorld(async (world) => {
        const { code, err } = await world.gcrane(`index filter ${multi}:v1 ${flags}`);
        assertEquals([code, err.split("\n")[0], world.requests], [2, `Error: ${message}`, []]);
      }));
  }
});

describe("gcrane index list", () => {
  it("prints a table, `-` where there is no platform", () =>
    inWorld(async (world) => {
      const [first, second] = [imageFor("linux/amd64"), randomImage()];
      const index = appendManifests(emptyIndex(), [first, { member: second, platform: null }]);
      await world.push(index, `${multi}:v1`);
      assertEquals(
        await world.data(`index list ${multi}:v1`),
        `Digest${" ".repeat(64)} MediaType            Platform\n` +
          `${await first.digest()} ${MediaType.OciManifest} linux/amd64\n` +
          `${await second.digest()} ${MediaType.OciManifest} -\n`,
      );
    }));

  it("refuses an image", () =>
    inWorld(async (world) => {
      await world.push(randomImage(), `${app}:v1`);
      const { code, err } = await world.gcrane(`index list ${app}:v1`);
      assertEquals([code, err], [1, `Error: ${app}:v1 is not an index but ${MediaType.OciManifest}\n`]);
    }));
});
