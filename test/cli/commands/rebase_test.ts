import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import {
  emptyIndex,
  type Image,
  randomImage,
  randomLayer,
  validateImage,
  validateIndex,
} from "../../../src/image/mod.ts";
import { annotateBase, appendLayers, appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import { parseReference } from "../../../src/name/mod.ts";
import { Puller } from "../../../src/remote/mod.ts";
import { parsePlatform } from "../../../src/spec/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const [app, base] = ["registry.example.com/app", "registry.example.com/base"];

async function imageAt(world: World, reference: string): Promise<Image> {
  return await new Puller({ fetch: world.fetch }).image(parseReference(reference.trim()));
}

async function digestsOf(image: Image): Promise<string[]> {
  return await Promise.all((await image.layers()).map((layer) => layer.digest()));
}

/** Two bases, and an image on the first one. */
async function prepare(world: World): Promise<{ old: Image; next: Image; original: Image }> {
  const [old, next] = [randomImage({ layers: 2 }), randomImage({ layers: 3 })];
  const original = appendLayers(old, [randomLayer()]);
  await world.push(old, `${base}:v1`);
  await world.push(next, `${base}:v2`);
  await world.push(original, `${app}:v1`);
  return { old, next, original };
}

describe("gcrane rebase", () => {
  for (
    const line of [
      `rebase ${app}:v1 --old_base ${base}:v1 --new_base ${base}:v2 -t ${app}:v2`,
      `rebase --original ${app}:v1 --old-base ${base}:v1 --new-base ${base}:v2 --rebased ${app}:v2`,
    ]
  ) {
    it(`puts an image on another base: ${line}`, () =>
      inWorld(async (world) => {
        const { next, original } = await prepare(world);
        world.requests.length = 0;
        const pushed = await world.data(line);
        // Configs of three images are read, one is sent; the base's layers are mounted.
        const blobs = world.requests.filter((request) => /^(GET|PUT) .*\/blobs\//.test(request));
        assertEquals(blobs.map((request) => request.slice(0, 3)).sort(), ["GET", "GET", "GET", "PUT"]);
        assertEquals(pushed, await world.data(`digest --full-ref ${app}:v2`));
        const image = await imageAt(world, pushed);
        const own = (await digestsOf(original)).at(-1)!;
        assertEquals(await digestsOf(image), [...await digestsOf(next), own]);
        assertEquals((await image.manifest()).annotations, {
          "org.opencontainers.image.base.digest": await next.digest(),
          "org.opencontainers.image.base.name": `${base}:v2`,
        });
        await validateImage(image);
      }));
  }

  it("finds the bases in the image's annotations", () =>
    inWorld(async (world) => {
      const { old, next, original } = await prepare(world);
      await world.push(annotateBase(original, { name: `${base}:v2`, digest: await old.digest() }), `${app}:v1`);
      const image = await imageAt(world, await world.unmoved(`rebase ${app}:v1`));
      assertEquals((await digestsOf(image)).slice(0, 3), await digestsOf(next));
      // Its annotations name its base, and it is based on it already.
      const pushed = await world.data(`rebase ${app}:v1 -t ${app}:v2`);
      assertEquals(await world.unmoved(`rebase ${app}:v2`), pushed);
    }));

  it("finds the old base where it is, when the new one is elsewhere", () =>
    inWorld(async (world) => {
      const { old, next, original } = await prepare(world);
      await world.push(next, "mirror.example.com/patched:v3");
      await world.push(annotateBase(original, { name: `${base}:v1`, digest: await old.digest() }), `${app}:v1`);
      const pushed = await world.unmoved(`rebase ${app}:v1 --new-base mirror.example.com/patched:v3`);
      const image = await imageAt(world, pushed);
      assertEquals((await digestsOf(image)).slice(0, 3), await digestsOf(next));
      // Without a name, it is looked for beside the new one.
      const nameless = annotateBase(original, { digest: await old.digest() });
      await world.push(nameless, `${app}:v1`);
      assertEquals(
        await world.unmoved(`rebase ${app}:v1 --new-base ${base}:v2`),
        await world.unmoved(`rebase ${app}:v1 --old-base ${base}:v1 --new-base ${base}:v2`),
      );
    }));

  it("puts every image of an index on its platform's base", () =>
    inWorld(async (world) => {
      const [old, next] = [1, 2].map(() => {
        const images = ["linux/amd64", "linux/arm64"].map((platform) =>
          changeImage(randomImage(), { platform: parsePlatform(platform) })
        );
        return appendManifests(emptyIndex(), images);
      });
      const members = (await old.children()).map(({ view }) => {
        assert(view.kind === "image");
        return appendLayers(view, [randomLayer()]);
      });
      await world.push(old, `${base}:v1`);
      await world.push(next, `${base}:v2`);
      await world.push(appendManifests(emptyIndex(), members), `${app}:v1`);
      const pushed = await world.unmoved(`rebase ${app}:v1 --old-base ${base}:v1 --new-base ${base}:v2`);
      const index = await new Puller({ fetch: world.fetch }).index(parseReference(pushed.trim()));
      const bases = await next.children();
      const children = await index.children();
      assertEquals(children.length, 2);
      for (const [i, { view }] of children.entries()) {
        const lower = bases[i].view;
        assert(view.kind === "image" && lower.kind === "image");
        assertEquals((await digestsOf(view)).slice(0, -1), await digestsOf(lower));
        const { annotations } = await view.manifest();
        assertEquals(annotations?.["org.opencontainers.image.base.digest"], await next.digest());
      }
      await validateIndex(index);
    }));

  it("takes a base whose index does not repeat the variant", () =>
    inWorld(async (world) => {
      const platform = { os: "linux", architecture: "arm64", variant: "v8" };
      const [old, next] = [randomImage(), randomImage()].map((image) => changeImage(image, { platform }));
      for (const [image, tag] of [[old, "v1"], [next, "v2"]] as const) {
        const plain = { member: image, platform: { os: "linux", architecture: "arm64" } };
        await world.push(appendManifests(emptyIndex(), [plain]), `${base}:${tag}`);
      }
      await world.push(appendLayers(old, [randomLayer()]), `${app}:v1`);
      const pushed = await world.unmoved(`rebase ${app}:v1 --old-base ${base}:v1 --new-base ${base}:v2`);
      assertEquals((await digestsOf(await imageAt(world, pushed)))[0], (await digestsOf(next))[0]);
    }));

  it("refuses what is not the image's base", () =>
    inWorld(async (world) => {
      await prepare(world);
      world.requests.length = 0;
      const { code, out, err } = await world.gcrane(`rebase ${app}:v1 --old-base ${base}:v2 --new-base ${base}:v1`);
      assertEquals([code, out], [1, ""]);
      assert(/^Error: image sha256:\w+ is not based on image sha256:\w+: /.test(err), err);
      assertEquals(world.requests.filter((request) => /^PUT /.test(request)), []);
    }));

  for (
    const [flags, code, message] of [
      [
        `${app}:v1`,
        1,
        `${app}:v1 does not name its base: it has no annotation org.opencontainers.image.base.name — name the new base with --new-base`,
      ],
      [
        `${app}:v1 --new-base ${base}:v2`,
        1,
        `${app}:v1 does not name its base: it has no annotation org.opencontainers.image.base.digest — name the old base with --old-base`,
      ],
      ["", 2, "no image is given — name the image to rebase"],
      [`${app}:v1 --original ${app}:v1`, 2, "the image to rebase is given twice — leave out --original"],
    ] as const
  ) {
    it(`says what is wrong with: rebase ${flags}`, () =>
      inWorld(async (world) => {
        await prepare(world);
        const result = await world.gcrane(`rebase ${flags}`);
        assertEquals([result.code, result.out, result.err.split("\n")[0]], [code, "", `Error: ${message}`]);
      }));
  }
});
