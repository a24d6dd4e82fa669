import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { describe, it } from "node:test";
import { type Image, imageFromUncompressed, randomImage, randomIndex } from "../../../src/image/mod.ts";
import { jsonBytes } from "../../../src/spec/internal.ts";
import { writeTarballFile } from "../../../src/tarball/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const app = "registry.example.com/app";

/** An image with one layer more than its config knows of. */
function miscounted(): Image {
  const image = randomImage({ layers: 3 });
  return imageFromUncompressed({
    rawConfigFile: async () => {
      const config = await image.configFile();
      return jsonBytes({ ...config, rootfs: { ...config.rootfs, diff_ids: config.rootfs.diff_ids.slice(1) } });
    },
    layers: () => image.layers(),
  });
}

/** Fills in what stands for names, in capital letters. */
function filled(line: string, world: World): string {
  const names: Record<string, string> = {
    APP: `${app}:v1`,
    BASE: `${app}:base`,
    NEW: `${app}:new`,
    TARBALL: world.path("tarball.tar"),
    OUT: world.path("out.tar"),
    DIRECTORY: world.folder,
  };
  return line.replace(/\b[A-Z]{3,}\b/g, (name) => names[name]);
}

describe("an image with more layers than its config says", () => {
  for (
    const line of [
      "append -b APP -f DIRECTORY -t NEW",
      "mutate APP -l a=b -t NEW",
      "mutate APP --append DIRECTORY -t NEW",
      "flatten APP -t NEW",
      "rebase APP --old-base BASE --new-base BASE -t NEW",
      "rebase BASE --old-base APP --new-base APP -t NEW",
      "edit fs APP etc/motd --create -t NEW",
      "pull --format legacy APP OUT",
      "push TARBALL NEW",
    ]
  ) {
    it(`makes no other one: ${line}`, () =>
      inWorld(async (world) => {
        const image = miscounted();
        await world.push(image, `${app}:v1`);
        await world.push(randomImage({ layers: 1 }), `${app}:base`);
        await writeTarballFile(world.path("tarball.tar"), [{ image, reference: "a:b" }]);
        const { code, out, err } = await world.gcrane(filled(line, world), { stdin: "text\n" });
        assertEquals([code, out], [1, ""]);
        const kept = /is kept in (\S+)/.exec(err)?.[1];
        if (kept) rmSync(dirname(kept), { recursive: true });
        assertMatch(err, /^(the edited etc\/motd is saved in \S+\n)?Error: [^\n]*\n$/);
        assertMatch(err, /has 2 diff ids where its image has 3 layers|3 layers, but its config has 2 diff ids/);
        assertEquals((await world.gcrane(`digest ${app}:new`)).code, 1);
        assertEquals(existsSync(world.path("out.tar")), false);
      }));
  }

  it("does not pass", () =>
    inWorld(async (world) => {
      await world.push(miscounted(), `${app}:v1`);
      const { code, out } = await world.gcrane(`validate ${app}:v1`);
      assertEquals(code, 1);
      assertStringIncludes(out, `FAIL: ${app}:v1: `);
      assertStringIncludes(out, "it has 2 diff ids where the manifest has 3 layers");
    }));
});

describe("an index where an image is asked for", () => {
  for (
    const [line, message] of [
      ["edit config APP", "is an index, which has no config — choose one of its images with --platform"],
      ["edit fs APP etc/motd", "is an index, which has no files — choose one of its images with --platform"],
      [
        "mutate APP --set-platform linux/arm64",
        "is an index, and its images can't all have the same platform — choose one of them with --platform",
      ],
    ]
  ) {
    it(`is wrong usage: ${line}`, () =>
      inWorld(async (world) => {
        await world.push(randomIndex(), `${app}:v1`);
        const { code, out, err } = await world.gcrane(filled(line, world), { stdin: "{}" });
        assertEquals([code, out], [2, ""]);
        assertStringIncludes(err, `Error: ${app}:v1 ${message}\n`);
      }));
  }

  for (const line of ["config APP", "export APP -", "pull APP OUT", "append -b APP -f DIRECTORY -t NEW"]) {
    it(`gives the one for linux/amd64, or says which there are: ${line}`, () =>
      inWorld(async (world) => {
        const platforms = [{ os: "linux", architecture: "s390x" }, { os: "linux", architecture: "arm64" }];
        await world.push(randomIndex({ platforms }), `${app}:v1`);
        for (const [flags, asked] of [["", "linux/amd64"], [" --platform linux/ppc64le", "linux/ppc64le"]]) {
          const { code, out, err } = await world.gcrane(filled(line, world) + flags);
          assertEquals([code, out], [1, ""]);
          assertMatch(err, /^Error: index sha256:[0-9a-f]+ has no image for /);
          assertStringIncludes(
            err,
            `has no image for ${asked}; it has linux/s390x, linux/arm64 — choose one of its platforms with --platform\n`,
          );
          assertEquals(existsSync(world.path("out.tar")), false);
        }
      }));
  }
});
