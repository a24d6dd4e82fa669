import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { randomImage, randomIndex } from "../../../src/image/mod.ts";
import { createLayout } from "../../../src/layout/mod.ts";
import { writeTarballFile } from "../../../src/tarball/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const repository = "registry.example.com/team/app";
const platforms = [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }];
const index = randomIndex({ seed: 1, platforms });
const [first, second] = [randomImage({ seed: 2 }), randomImage({ seed: 3 })];

async function digest(world: World, reference: string): Promise<string> {
  return (await world.data(`digest ${reference}`)).trim();
}

/** A tarball of two images. */
async function tarball(world: World): Promise<string> {
  const path = world.path("images.tar");
  await writeTarballFile(path, [{ reference: "app:v1", image: first }, { reference: "app:v2", image: second }]);
  return path;
}

describe("gcrane push", () => {
  it("to a digest that the image has not fails", () =>
    inWorld(async (world) => {
      const path = world.path("app.tar");
      await writeTarballFile(path, [{ image: first }]);
      const { code, out, err } = await world.gcrane(`push ${path} ${repository}@sha256:${"a".repeat(64)}`);
      assertEquals([code, out], [1, ""]);
      assertMatch(
        err,
        /^Error: .*@sha256:a+ can't name a manifest with the digest sha256:[0-9a-f]{64} — name a tag.*\n$/,
      );
      const pushed = await world.data(`push ${path} ${repository}`);
      assertEquals(await world.data(`push ${path} ${pushed.trim()}`), pushed);
    }));

  it("prints what it pushed", () =>
    inWorld(async (world) => {
      const path = world.path("app.tar");
      await writeTarballFile(path, [{ reference: "app:v1", image: first }]);
      const out = await world.data(`push ${path} ${repository}:v1`);
      assertEquals(out, `${repository}@${await digest(world, `${repository}:v1`)}\n`);
      assertEquals(await world.data(`config ${repository}:v1`), new TextDecoder().decode(await first.rawConfigFile()));
      assertEquals(await world.data(`validate ${repository}:v1`), `PASS: ${repository}:v1\n`);
    }));

  it("--tag chooses among the images of a tarball", () =>
    inWorld(async (world) => {
      const path = await tarball(world);
      const several = await world.gcrane(`push ${path} ${repository}:v1`);
      assertEquals([several.code, several.out], [1, ""]);
      assertMatch(several.err, /^Error: .*images\.tar holds 2 images: it has app:v1, app:v2 — .*tag: FILE:TAG\n$/);
      await world.data(`push --tag app:v2 ${path} ${repository}:v2`);
      assertEquals(JSON.parse(await world.data(`config ${repository}:v2`)).rootfs, (await second.configFile()).rootfs);
      assertMatch((await world.gcrane(`push --tag app:v3 ${path} ${repository}:v3`)).err, /^Error: .*app:v3.*\n$/);
    }));

  it("names some of very many images of a tarball", () =>
    inWorld(async (world) => {
      const path = world.path("images.tar");
      const names = Array.from({ length: 200 }, (_, index) => ({ reference: `app:v${index}`, image: first }));
      await writeTarballFile(path, [...names, { reference: "app:other", image: second }]);
      for (const line of [`push ${path} ${repository}:v1`, `push --tag app:none ${path} ${repository}:v1`]) {
        const { code, err } = await world.gcrane(line);
        assertEquals(code, 1);
        assertMatch(err, /^Error: .{1,200}: it has app:v0, app:v1, .{1,400}, … — [^\n]+\n$/);
      }
    }));

  it("pushes the image or the index that a layout holds", () =>
    inWorld(async (world) => {
      for (const [name, view] of [["one", first], ["all", index]] as const) {
        const layout = await createLayout(world.path(name));
        if (view.kind === "image") await layout.appendImage(view);
        else await layout.appendIndex(view);
        assertEquals(
          await world.data(`push ${world.path(name)} ${repository}:${name}`),
          `${repository}@${await view.digest()}\n`,
        );
        assertEquals(await digest(world, `${repository}:${name}`), await view.digest());
      }
    }));

  it("--platform pushes one image of the index that a layout holds", () =>
    inWorld(async (world) => {
      await (await createLayout(world.path("all"))).appendIndex(index);
      const [, arm64] = await index.children();
      const out = await world.data(`push --platform linux/arm64 ${world.path("all")} ${repository}:arm`);
      assertEquals(out, `${repository}@${arm64.descriptor.digest}\n`);
    }));

  it("--index pushes all that a layout holds, which it would not without", () =>
    inWorld(async (world) => {
      const layout = await createLayout(world.path("two"));
      await layout.appendImage(first);
      await layout.appendImage(second);
      const { code, out, err } = await world.gcrane(`push ${world.path("two")} ${repository}:v1`);
      assertEquals([code, out, world.requests], [1, "", []]);
      assertEquals(
        err,
        `Error: the layout ${
          world.path("two")
        } holds 2 images or indexes, not one — push them as one index with --index\n`,
      );
      assertEquals(
        await world.data(`push --index ${world.path("two")} ${repository}:v1`),
        `${repository}@${await digest(world, `${repository}:v1`)}\n`,
      );
      const { manifests } = JSON.parse(await world.data(`manifest ${repository}:v1`));
      assertEquals(manifests.map((each: { digest: string }) => each.digest), [
        await first.digest(),
        await second.digest(),
      ]);
    }));

  it("--image-refs writes what was pushed to a file too", () =>
    inWorld(async (world) => {
      await (await createLayout(world.path("one"))).appendImage(first);
      const out = await world.data(`push --image-refs ${world.path("refs")} ${world.path("one")} ${repository}:v1`);
      assertEquals(readFileSync(world.path("refs"), "utf8"), out);
    }));

  it("sends no layer twice", () =>
    inWorld(async (world) => {
      await (await createLayout(world.path("one"))).appendImage(first);
      await world.data(`push ${world.path("one")} ${repository}:v1`);
      world.requests.length = 0;
      await world.data(`push ${world.path("one")} ${repository}:v2`);
      assertEquals(world.requests.filter((request) => /^(POST|PATCH) /.test(request)), []);
    }));

  it("reads a tarball from standard input", () =>
    inWorld(async (world) => {
      const stdin = new Uint8Array(readFileSync(await tarball(world)));
      const out = await world.data(`push --tag app:v2 - ${repository}:v2`, { stdin });
      assertEquals(out, `${repository}@${await digest(world, `${repository}:v2`)}\n`);
      assertEquals(await world.data(`validate ${repository}:v2`), `PASS: ${repository}:v2\n`);
      const { code, err } = await world.gcrane(`push - ${repository}:v3`, { stdin: "no tarball" });
      assertEquals(code, 1);
      assertMatch(err, /^Error: .*standard input.*\n$/);
    }));

  it("says what is wrong with its file", () =>
    inWorld(async (world) => {
      const path = world.path("none.tar");
      assertEquals(
        (await world.gcrane(`push ${path} ${repository}:v1`)).err,
        `Error: can't read ${path}: no such file or directory\n`,
      );
      const empty = world.write("empty.tar", "");
      assertMatch((await world.gcrane(`push ${empty} ${repository}:v1`)).err, /^Error: .*empty\.tar.*\n$/);
      assertMatch(
        (await world.gcrane(`push ${world.folder} ${repository}:v1`)).err,
        /^Error: .* is not an OCI image layout: .*\n$/,
      );
      assertEquals(world.requests, []);
    }));

  it("takes the file first", () =>
    inWorld(async (world) => {
      const path = await tarball(world);
      const { code, err } = await world.gcrane(`push ${repository}:v1 ${path}`);
      assertEquals([code, err.split("\n")[0]], [
        2,
        `Error: there is no file ${repository}:v1 — the file comes first: gcrane push ${path} ${repository}:v1`,
      ]);
    }));
});
