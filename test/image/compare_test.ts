import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { compareImages, compareIndexes, compareLayers, layerFromBytes, randomImage } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { MediaType, parsePlatform } from "../../src/spec/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { MemorySource, tarOf } from "../make/memory_source.ts";

const TARS = [await tarOf({ a: "1" }), await tarOf({ b: "2" }), await tarOf({ c: "3" })];

function paths(differences: readonly { path: string }[]): string[] {
  return differences.map(({ path }) => path);
}

describe("compareLayers", () => {
  it("finds none between equal layers, without reading them", async () => {
    const source = new MemorySource();
    const image = await source.addImage({ layers: TARS });
    const { layers: [descriptor] } = await source.image(image).manifest();
    assertEquals(await compareLayers(source.layer(descriptor), source.layer(descriptor)), []);
    assertEquals(source.opened, []);
  });

  it("tells the same content in another form from other content", async () => {
    const gzip = await layerFromBytes(TARS[0]);
    const zstd = await layerFromBytes(TARS[0], { compression: "zstd" });
    assertEquals(paths(await compareLayers(gzip, zstd)), ["mediaType", "digest", "size"]);
    const other = await layerFromBytes(TARS[1], { annotations: { a: "b" } });
    const differences = await compareLayers(gzip, other);
    assertEquals(differences.at(-1), {
      path: "diffId",
      a: await digestBytes(TARS[0]),
      b: await digestBytes(TARS[1]),
    });
    assert(differences.some(({ path, a, b }) => path === "annotations" && a === undefined && b !== undefined));
  });
});

describe("compareImages", () => {
  it("finds none between equal images of two sources", async () => {
    assertEquals(await compareImages(randomImage({ seed: 1 }), randomImage({ seed: 1 })), []);
    const source = new MemorySource();
    const descriptor = await source.addImage({ layers: TARS });
    assertEquals(await compareImages(source.image(descriptor), source.image(descriptor)), []);
  });

  it("says where they differ, and how", async () => {
    const source = new MemorySource();
    const one = source.image(await source.addImage({ layers: TARS.slice(0, 2) }));
    const other = source.image(
      await source.addImage({
        layers: [TARS[0], TARS[2], TARS[1]],
        config: (config) => config.config = { Env: ["A=b"] },
        manifest: (manifest) => manifest.annotations = { x: "y" },
      }),
    );
    const differences = await compareImages(one, other);
    assertEquals(paths(differences), [
      "digest",
      "size",
      "manifest.config.digest",
      "manifest.config.size",
      "manifest.annotations",
      "config.rootfs.diff_ids[1]",
      "config.rootfs.diff_ids[2]",
      "config.config",
      "layers[1].digest",
      "layers[1].diffId",
      "layers[2]",
    ]);
    const added = await other.layers();
    assertEquals(differences.at(-1), { path: "layers[2]", a: undefined, b: await added[2].digest() });
    assertEquals((await compareImages(other, one)).map(({ path, a, b }) => ({ path, a: b, b: a })), differences);
  });

  it("sees a difference in white space, which changes the digest alone", async () => {
    const source = new MemorySource();
    const descriptor = await source.addImage({ layers: TARS });
    const spaced = utf8(` ${new TextDecoder().decode(source.blobs.get(descriptor.digest))}`);
    const other = await source.add(spaced, MediaType.OciManifest);
    assertEquals(paths(await compareImages(source.image(descriptor), source.image(other))), ["digest", "size"]);
  });

  it("takes an artifact whose config is no JSON", async () => {
    const source = new MemorySource();
    const [one, other] = await Promise.all(["one", "two"].map(async (text) => {
      const config = await source.add(utf8(text), "text/plain");
      return source.image(await source.addImage({ layers: [], manifest: (manifest) => manifest.config = config }));
    }));
    assertEquals(paths(await compareImages(one, other)), ["digest", "manifest.config.digest"]);
  });
});

describe("compareIndexes", () => {
  it("compares members by position, and looks into those that differ", async () => {
    const source = new MemorySource();
    const platform = parsePlatform("linux/amd64");
    const one = { ...await source.addImage({ layers: [TARS[0]] }), platform };
    const other = { ...await source.addImage({ layers: [TARS[1]] }), platform };
    const a = source.index(await source.addIndex([one, one]));
    const b = source.index(await source.addIndex([one, other, one]));
    assertEquals(await compareIndexes(a, a), []);
    assertEquals(paths(await compareIndexes(a, b)), [
      "digest",
      "size",
      "manifests[1].digest",
      "manifests[1].manifest.config.digest",
      "manifests[1].config.rootfs.diff_ids[0]",
      "manifests[1].layers[0].digest",
      "manifests[1].layers[0].diffId",
      "manifests[2]",
    ]);
  });

  it("looks into nested indexes, and leaves members of different kinds", async () => {
    const source = new MemorySource();
    const [one, other] = [await source.addImage({ layers: [] }), await source.addImage({ layers: [TARS[0]] })];
    const nested = (member: typeof one) => source.addIndex([member]);
    const a = source.index(await source.addIndex([await nested(one), one]));
    const b = source.index(await source.addIndex([await nested(other), await nested(one)]));
    const found = paths(await compareIndexes(a, b));
    assert(found.includes("manifests[0].manifests[0].layers[0]"), String(found));
    assert(found.includes("manifests[1].mediaType"));
    assert(!found.some((path) => path.startsWith("manifests[1].manifest")));
  });
});
