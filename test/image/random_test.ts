import { assert, assertEquals, assertFalse, assertGreater, assertNotEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { randomImage, randomIndex, randomLayer, validateImage, validateIndex } from "../../src/image/mod.ts";
import { MediaType, type Platform } from "../../src/spec/mod.ts";
import { readTar } from "../../src/tar/mod.ts";
import { collect } from "../make/streams.ts";

describe("randomLayer", () => {
  it("is a tar of one file with so many bytes", async () => {
    for (const size of [0, 1, 1023, 300_001]) {
      const layer = randomLayer({ size, seed: 5 });
      const sizes: number[] = [];
      for await (const entry of readTar(await layer.uncompressed())) sizes.push((await entry.bytes()).length);
      assertEquals(sizes, [size]);
    }
  });

  it("is the same for a seed, on every runtime", async () => {
    assertEquals(
      await randomLayer({ size: 300_001, seed: 1 }).digest(),
      "sha256:ed2840233418e6c081dc5898e8af172c5c511fb64c1775141e361c43aa892c8f",
    );
    assertEquals(
      await randomImage({ seed: 1 }).digest(),
      "sha256:cfa2f3447ca131d949039dfc871c1873ec0dbdaafcb2b66643d2e3608ddcc816",
    );
    assertEquals(
      await randomIndex({ seed: 1 }).digest(),
      "sha256:7bc037c83f536c30045649dc3697b89c6694ca61d94ea1fc06ddb2942bf27c17",
    );
  });

  it("is another for another seed, and without one", async () => {
    const seeds = [0, 1, -1, 0.5, 2 ** 32, 2 ** 32 + 1, undefined, undefined];
    const digests = await Promise.all(seeds.map((seed) => randomLayer({ seed }).digest()));
    assertEquals(new Set(digests).size, seeds.length);
  });

  it("can't be compressed, and has no pattern that shows", async () => {
    const layer = randomLayer({ size: 100_000, seed: 3, compression: "gzip" });
    assertEquals(await layer.mediaType(), MediaType.OciLayerGzip);
    assertGreater(await layer.size(), 100_000);
    const bytes = await collect(await randomLayer({ size: 100_000, seed: 4 }).uncompressed());
    const counts = new Array(256).fill(0);
    for (const byte of bytes.subarray(512, 100_512)) counts[byte]++;
    assert(counts.every((count) => count > 250 && count < 550), String(counts));
  });

  it("is made while it is read", async () => {
    const layer = randomLayer({ size: 2 ** 40, seed: 6 });
    const reader = (await layer.uncompressed()).getReader();
    await reader.read();
    await reader.cancel();
    assertFalse(layer.digestKnown());
  });

  it("refuses a size that is none", () => {
    for (const size of [-1, 1.5, NaN, Infinity]) assertThrows(() => randomLayer({ size }), RangeError, "size");
  });
});

describe("randomImage", () => {
  it("is a valid image of so many layers", async () => {
    for (const layers of [0, 1, 5]) {
      const image = randomImage({ layers, size: 100, seed: 1 });
      assertEquals((await image.layers()).length, layers);
      assertEquals(((await image.configFile()).history ?? []).length, layers);
      await validateImage(image);
    }
    assertThrows(() => randomImage({ layers: -1 }), RangeError, "layers");
  });

  it("has layers that differ", async () => {
    const [one, other] = await randomImage({ seed: 9 }).layers();
    assertNotEquals(await one.digest(), await other.digest());
  });

  it("is of the family and compression that is asked for", async () => {
    const image = randomImage({ mediaType: MediaType.DockerManifestSchema2, compression: "gzip", seed: 1 });
    const { mediaType, config, layers } = await image.manifest();
    assertEquals(mediaType, MediaType.DockerManifestSchema2);
    assertEquals(config.mediaType, MediaType.DockerConfigJson);
    assertEquals(layers.map((layer) => layer.mediaType), [MediaType.DockerLayer, MediaType.DockerLayer]);
    await validateImage(image);
  });
});

describe("randomIndex", () => {
  const platforms: Platform[] = [{ os: "linux", architecture: "amd64" }, {
    os: "linux",
    architecture: "arm64",
    variant: "v8",
  }];

  it("is a valid index of so many images", async () => {
    const index = randomIndex({ images: 3, layers: 1, size: 10, seed: 1 });
    assertEquals((await index.children()).map(({ view }) => view.kind), ["image", "image", "image"]);
    await validateIndex(index);
  });

  it("has an image for each platform", async () => {
    const index = randomIndex({ platforms, layers: 1, seed: 2, mediaType: MediaType.DockerManifestList });
    const { manifests } = await index.manifest();
    assertEquals(manifests.map(({ platform }) => platform), platforms);
    assertEquals(manifests[1].mediaType, MediaType.DockerManifestSchema2);
    const image = await index.image(manifests[1].digest);
    assertEquals((await image.configFile()).architecture, "arm64");
    await validateIndex(index);
  });

  it("reads nothing before it is asked", async () => {
    const index = randomIndex({ images: 2, layers: 1, size: 2 ** 40 });
    assertEquals(await index.mediaType(), MediaType.OciImageIndex);
  });
});
