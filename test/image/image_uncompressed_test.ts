import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { NotFoundError } from "../../src/errors.ts";
import { imageFromUncompressed, type Layer, layerFromBytes, layerFromUncompressed } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { imageManifestBytes, jsonBytes } from "../../src/spec/internal.ts";
import { type Hash, MediaType } from "../../src/spec/mod.ts";
import { collect } from "../make/streams.ts";
import { bigTar, MemorySource, tarOf } from "../make/memory_source.ts";

const NOWHERE: Hash = `sha256:${"0".repeat(64)}`;
const TARS = [await tarOf({ a: "1" }), await tarOf({ b: "2" })];

describe("imageFromUncompressed", () => {
  async function parts(mediaType?: string) {
    const layers = await Promise.all(TARS.map((tar) => layerFromBytes(tar)));
    const diffIds = await Promise.all(layers.map((layer) => layer.diffId()));
    const config = jsonBytes({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: diffIds } });
    return {
      layers,
      config,
      image: imageFromUncompressed({
        rawConfigFile: () => Promise.resolve(config),
        layers: () => Promise.resolve<readonly Layer[]>(layers),
        mediaType,
        what: "the parts",
      }),
    };
  }

  it("writes the manifest when it is asked for", async () => {
    const { image, layers, config } = await parts();
    assert(layers.every((layer) => !layer.digestKnown()));
    assertEquals(await image.rawConfigFile(), config);
    assertEquals(await image.configName(), await digestBytes(config));
    assertEquals((await image.configFile()).os, "linux");
    assertEquals(await image.layers(), layers);
    assert(layers.every((layer) => !layer.digestKnown()));
    const manifest = {
      schemaVersion: 2,
      mediaType: MediaType.OciManifest,
      config: { mediaType: MediaType.OciConfig, digest: await digestBytes(config), size: config.length },
      layers: await Promise.all(layers.map((layer) => layer.descriptor())),
    };
    assertEquals<unknown>(await image.manifest(), manifest);
    assertEquals(await image.rawManifest(), imageManifestBytes(manifest));
    assertEquals(await image.digest(), await digestBytes(imageManifestBytes(manifest)));
    assertEquals(await collect(await (await image.configLayer()).compressed()), config);
    assertStrictEquals(await image.layerByDiffId(await digestBytes(TARS[1])), layers[1]);
    await assertRejects(() => image.layerByDigest(NOWHERE), NotFoundError, "the parts has no layer");
  });

  it("knows its digest when its layers do", async () => {
    const { image, layers } = await parts();
    assertEquals(await image.digestKnown(), false);
    for (const layer of layers) await layer.digest();
    assertEquals(await image.digestKnown(), true);
    const source = new MemorySource();
    assertEquals(await source.image(await source.addImage({ layers: TARS })).digestKnown(), true);
    assertEquals(await source.index(await source.addIndex([])).digestKnown(), true);
  });

  it("reads some of its layers at a time for the manifest, not all", async () => {
    const source = new MemorySource();
    const blobs = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => await source.add(await bigTar(i + 1), MediaType.OciLayer)),
    );
    const layers = blobs.map((blob) => layerFromUncompressed({ uncompressed: () => source.open(blob) }));
    const image = imageFromUncompressed({
      rawConfigFile: () => Promise.resolve(jsonBytes({})),
      layers: () => Promise.resolve<readonly Layer[]>(layers),
    });
    assertEquals((await image.manifest()).layers.length, 12);
    assertEquals([source.opened.length, source.streams.open], [12, 0]);
    assert(source.streams.most > 1 && source.streams.most <= 4, `${source.streams.most} at a time`);
  });

  it("takes media types that are found out later, and the last word on the manifest", async () => {
    const { layers, config } = await parts();
    const image = imageFromUncompressed({
      rawConfigFile: () => Promise.resolve(config),
      layers: () => Promise.resolve<readonly Layer[]>(layers),
      mediaType: () => Promise.resolve(MediaType.DockerManifestSchema2),
      configMediaType: () => Promise.resolve("application/x"),
      finish: (manifest) => ({ ...manifest, annotations: { a: "b" } }),
    });
    const { mediaType, config: { mediaType: configMediaType }, annotations } = await image.manifest();
    assertEquals([mediaType, configMediaType, annotations], [
      MediaType.DockerManifestSchema2,
      "application/x",
      { a: "b" },
    ]);
    assertEquals(await image.mediaType(), MediaType.DockerManifestSchema2);
    assertEquals(JSON.parse(new TextDecoder().decode(await image.rawManifest())).annotations, { a: "b" });
  });

  it("writes it for Docker too", async () => {
    const { image } = await parts(MediaType.DockerManifestSchema2);
    assertEquals(await image.mediaType(), MediaType.DockerManifestSchema2);
    const { mediaType, config } = await image.manifest();
    assertEquals(mediaType, MediaType.DockerManifestSchema2);
    assertEquals(config.mediaType, MediaType.DockerConfigJson);
  });
});
