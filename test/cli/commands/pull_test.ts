import { assert, assertEquals, assertMatch } from "@std/assert";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { randomImage, randomIndex, validateImage } from "../../../src/image/mod.ts";
import { openLayout } from "../../../src/layout/mod.ts";
import { imageFromTarball, loadManifest, tarballFile } from "../../../src/tarball/mod.ts";
import { DEFAULT_PLATFORM_NOTE, inWorld, type World } from "../../make/command_world.ts";

const repository = "registry.example.com/team/app";
const platforms = [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }];
const index = randomIndex({ seed: 1, platforms });
const [first, second] = [randomImage({ seed: 2, compression: "gzip" }), randomImage({ seed: 3 })];

async function fill(world: World): Promise<void> {
  await world.push(first, `${repository}:v1`);
  await world.push(second, `${repository}:v2`);
  await world.push(index, `${repository}:all`);
}

function blobReads(world: World): number {
  return world.requests.filter((request) => /^GET .*\/blobs\//.test(request)).length;
}

/** The files of a folder and below, sorted. */
function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
}

describe("gcrane pull", () => {
  it("says nothing and writes a tarball that is named as it was typed", () =>
    inWorld(async (world) => {
      await fill(world);
      const path = world.path("app.tar");
      assertEquals(await world.data(`pull ${repository}:v1 ${path}`), "");
      const image = await imageFromTarball(tarballFile(path), { tag: `${repository}:v1` });
      assertEquals(await image.configName(), await first.configName());
      assertEquals(
        await Promise.all((await image.layers()).map((layer) => layer.digest())),
        await Promise.all((await first.layers()).map((layer) => layer.digest())),
      );
      assertEquals(files(world.folder), [path]);
    }));

  it("writes short names into a tarball as docker shows them", () =>
    inWorld(async (world) => {
      await world.push(first, "ubuntu:latest");
      await world.data(`pull ubuntu ${world.path("ubuntu.tar")}`);
      const [{ repoTags }] = await loadManifest(tarballFile(world.path("ubuntu.tar")));
      assertEquals(repoTags, ["ubuntu:latest"]);
    }));

  it("writes several images into one tarball", () =>
    inWorld(async (world) => {
      await fill(world);
      const path = world.path("two.tar");
      await world.data(`pull ${repository}:v1 ${repository}:v2 ${path}`);
      for (const [tag, image] of [["v1", first], ["v2", second]] as const) {
        const read = await imageFromTarball(tarballFile(path), { tag: `${repository}:${tag}` });
        assertEquals(await read.configName(), await image.configName());
      }
    }));

  it("- writes a tarball to standard output, but to no terminal", () =>
    inWorld(async (world) => {
      await fill(world);
      const { code, err, io } = await world.gcrane(`pull ${repository}:v1 -`);
      assertEquals([code, err], [0, ""]);
      await world.data(`pull ${repository}:v1 ${world.path("app.tar")}`);
      assertEquals(io.outBytes, new Uint8Array(readFileSync(world.path("app.tar"))));
      assertEquals(existsSync("-"), false);
      for (
        const [line, options, message] of [
          [
            "",
            { terminal: { columns: 80, rows: 24 } },
            "standard output is a terminal, and a tarball is not text — name a file, or use a pipe",
          ],
          ["--format oci", {}, "a layout is a directory, which standard output is not — name the directory"],
        ] as const
      ) {
        const { code, out, err } = await world.gcrane(`pull ${line} ${repository}:v1 -`, options);
        assertEquals([code, out, err.split("\n")[0]], [2, "", `Error: ${message}`]);
      }
    }));

  it("--format legacy writes what Docker before 1.10 reads, to a file or to standard output", () =>
    inWorld(async (world) => {
      await fill(world);
      const path = world.path("legacy.tar");
      assertEquals(await world.data(`pull --format legacy ${repository}:v1 ${repository}:v2 ${path}`), "");
      for (const [tag, image] of [["v1", first], ["v2", second]] as const) {
        const read = await imageFromTarball(tarballFile(path), { tag: `${repository}:${tag}` });
        assertEquals(await read.rawConfigFile(), await image.rawConfigFile());
        await validateImage(read);
      }
      const [{ layers }] = await loadManifest(tarballFile(path));
      assertEquals(layers.every((layer) => /^[0-9a-f]{64}\/layer\.tar$/.test(layer)), true, layers.join());
      assertEquals(files(world.folder), [path]);

      await world.data(`pull --format legacy ${repository}:v1 ${path}`);
      const { io } = await world.gcrane(`pull --format legacy ${repository}:v1 -`);
      assertEquals(io.outBytes, new Uint8Array(readFileSync(path)));
      const { code } = await world.gcrane(`pull --format legacy ${repository}:v1 -`, {
        terminal: { columns: 80, rows: 24 },
      });
      assertEquals(code, 2);
    }));

  it("replaces a file that is there, or leaves it as it was", () =>
    inWorld(async (world) => {
      await fill(world);
      const path = world.write("app.tar", "old");
      assertEquals((await world.gcrane(`pull ${repository}:v3 ${path}`)).code, 1);
      assertEquals(readFileSync(path, "utf8"), "old");
      await world.data(`pull ${repository}:v1 ${path}`);
      assertEquals(readFileSync(path, "utf8") === "old", false);
    }));

  it("takes the image for linux/amd64 of an index, or the one for --platform", () =>
    inWorld(async (world) => {
      await fill(world);
      for (const [flag, architecture] of [["", "amd64"], ["--platform linux/arm64", "arm64"]]) {
        const { code, err } = await world.gcrane(`pull ${flag} ${repository}:all ${world.path("app.tar")}`);
        assertEquals([code, err], [0, flag === "" ? DEFAULT_PLATFORM_NOTE : ""]);
        const image = await imageFromTarball(tarballFile(world.path("app.tar")));
        assertEquals((await image.configFile()).architecture, architecture);
      }
    }));

  it("--format oci writes a layout, with all of an index, and adds to it", () =>
    inWorld(async (world) => {
      await fill(world);
      const path = world.path("layout");
      assertEquals(await world.data(`pull --format oci ${repository}:all ${path}`), "");
      await world.data(`pull --format=oci ${repository}:v1 ${repository}:v2 ${path}`);
      const children = await (await openLayout(path)).index().children();
      assertEquals(
        children.map(({ descriptor }) => descriptor.digest),
        [await index.digest(), await first.digest(), await second.digest()],
      );
      assertEquals(children.map(({ descriptor }) => descriptor.annotations), [undefined, undefined, undefined]);
    }));

  it("--format oci --platform takes one image of an index", () =>
    inWorld(async (world) => {
      await fill(world);
      await world.data(`pull --format oci --platform linux/arm64 ${repository}:all ${world.path("layout")}`);
      const [child, ...more] = await (await openLayout(world.path("layout"))).index().children();
      assertEquals([child.view.kind, more.length], ["image", 0]);
    }));

  it("lists an image once in a layout, however often it is pulled, and reads its layers once", () =>
    inWorld(async (world) => {
      await fill(world);
      const line = `pull --format oci ${repository}:v1 ${world.path("layout")}`;
      await world.data(line);
      const before = files(world.folder);
      world.requests.length = 0;
      await world.data(line);
      assertEquals([files(world.folder), blobReads(world)], [before, 0]);
      assertEquals((await (await openLayout(world.path("layout"))).index().children()).length, 1);
    }));

  it("--annotate-ref names each image, and a name moves to a new image", () =>
    inWorld(async (world) => {
      await fill(world);
      const line = `pull --format oci --annotate-ref ${repository}:v1 ${repository}:all ${world.path("layout")}`;
      const names = async () => {
        const manifest = await (await openLayout(world.path("layout"))).index().manifest();
        return Object.fromEntries(
          manifest.manifests.map((
            { annotations, digest },
          ) => [annotations?.["org.opencontainers.image.ref.name"], digest]),
        );
      };
      await world.data(line);
      assertEquals(await names(), {
        [`${repository}:v1`]: await first.digest(),
        [`${repository}:all`]: await index.digest(),
      });
      await world.push(second, `${repository}:v1`);
      await world.data(line);
      assertEquals(await names(), {
        [`${repository}:v1`]: await second.digest(),
        [`${repository}:all`]: await index.digest(),
      });
    }));

  it("-c keeps layers, which are not read again", () =>
    inWorld(async (world) => {
      await fill(world);
      const cache = world.path("cache");
      await world.data(`pull -c ${cache} ${repository}:v1 ${world.path("one.tar")}`);
      assert(existsSync(cache));
      world.requests.length = 0;
      await world.data(`pull --cache_path=${cache} ${repository}:v1 ${world.path("two.tar")}`);
      const configs = 1;
      assertEquals(blobReads(world) <= configs, true, world.requests.join("\n"));
      assertEquals(readFileSync(world.path("one.tar")).equals(readFileSync(world.path("two.tar"))), true);
      await world.data(`pull --format oci --cache-path ${cache} ${repository}:v1 ${world.path("layout")}`);
      assertEquals(blobReads(world) <= 2 * configs, true);
    }));

  it("-c with a place that can't be written to warns, and pulls all the same", () =>
    inWorld(async (world) => {
      await fill(world);
      const cache = world.write("cache", "a file");
      const { code, out, err } = await world.gcrane(`pull -c ${cache} ${repository}:v1 ${world.path("app.tar")}`);
      assertEquals([code, out], [0, ""]);
      assertMatch(err, /^(Warning: .*cache.*\n)+$/);
      assertEquals(await world.data(`validate --tarball ${world.path("app.tar")}`), `PASS: ${world.path("app.tar")}\n`);
    }));

  it("leaves nothing behind when it finds nothing", () =>
    inWorld(async (world) => {
      for (const format of ["tarball", "oci"]) {
        const { code, out, err } = await world.gcrane(`pull --format ${format} ${repository}:v9 ${world.path("out")}`);
        assertEquals([code, out, files(world.folder), existsSync(world.path("out"))], [1, "", [], false]);
        assertMatch(err, /^Error: GET .*\/v2\/team\/app\/manifests\/v9: 404 .*\n$/);
      }
    }));

  it("says where it can't write", () =>
    inWorld(async (world) => {
      await fill(world);
      const { code, err } = await world.gcrane(`pull ${repository}:v1 ${world.path("no/such/app.tar")}`);
      assertEquals([code, err], [
        1,
        `Error: can't write the tarball ${world.path("no/such/app.tar")}: no such file or directory\n`,
      ]);
      const folder = await world.gcrane(`pull ${repository}:v1 ${world.folder}`);
      assertEquals([folder.code, folder.err.includes(`${world.folder} is a directory`)], [1, true]);
      writeFileSync(world.path("file"), "");
      const layout = await world.gcrane(`pull --format oci ${repository}:v1 ${world.path("file")}`);
      assertEquals([layout.code, layout.err], [
        1,
        `Error: can't make the layout ${world.path("file")}: not a directory\n`,
      ]);
    }));

  it("takes images first and the file last, and only formats that it knows", () =>
    inWorld(async (world) => {
      assertEquals(
        (await world.gcrane(`pull ./app.tar ${repository}:v1`)).err.split("\n")[0],
        "Error: ./app.tar is a path, not an image — the file or directory to write comes last",
      );
      assertEquals((await world.gcrane(`pull ${repository}:v1`)).err.split("\n")[0], "Error: missing argument PATH");
      const { code, err } = await world.gcrane(`pull --format tar ${repository}:v1 app.tar`);
      assertEquals([code, err.split("\n")[0]], [
        2,
        'Error: --format must be one of tarball, legacy, oci, not "tar" — did you mean tarball?',
      ]);
      assertEquals(world.requests, []);
    }));
});
