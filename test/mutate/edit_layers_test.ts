import { describe, it } from "node:test";
import { assert, assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { ManifestError } from "../../src/errors.ts";
import {
  emptyImage,
  type Image,
  layerFromBytes,
  layerFromUncompressed,
  validateImage,
  validateLayer,
} from "../../src/image/mod.ts";
import { sniffBytes, streamOf } from "../../src/io/mod.ts";
import {
  appendLayers,
  changeImage,
  extract,
  flattenImage,
  mapIndex,
  recompress,
  recompressLayer,
  time,
} from "../../src/mutate/mod.ts";
import { layerMediaType, MediaType } from "../../src/spec/mod.ts";
import { type Json, type MemorySource, tarOf as tarOfFiles } from "../make/memory_source.ts";
import { collect } from "../make/streams.ts";
import {
  AMD64,
  asDocker,
  baseImage,
  DOCKER,
  OCI,
  platformIndex,
  sentConfig,
  sentManifest,
  unread,
} from "./edit_bases.ts";
import { file, itemsOf, layer, tarOf } from "../make/entry_layers.ts";

const KINDS = ["none", "gzip", "zstd"] as const;
const TAR = await tarOfFiles({ a: "a".repeat(10_000) });

/** Two layers, of which the upper one hides things in the lower one. */
const STACK = await Promise.all([
  layer(file("etc/gone"), file("etc/kept"), file("etc/changed", "old")),
  layer(file("etc/.wh.gone", ""), file("etc/changed", "new"), file("added")),
]);

/** How often each layer of an image was opened. */
async function opensOf(source: MemorySource, image: Image): Promise<number[]> {
  return (await image.manifest()).layers.map(({ digest }) => source.opened.filter((one) => one === digest).length);
}

describe("recompress", () => {
  it("stores layers in another way, in their family, and keeps their content", async () => {
    for (const from of KINDS) {
      for (const to of KINDS) {
        for (const family of [OCI, DOCKER]) {
          const { base } = await baseImage({ compression: from });
          const image = recompress(changeImage(base, { mediaType: family }), to);
          const { layers, mediaType } = await sentManifest(image);
          assertEquals(mediaType, family);
          assertEquals(layers.map(({ mediaType }) => mediaType), Array(2).fill(layerMediaType(family, to)));
          assertEquals(await image.rawConfigFile(), await base.rawConfigFile());
          for (const layer of await image.layers()) {
            assertEquals(sniffBytes(await collect(await layer.compressed())), to);
          }
          await validateImage(image);
        }
      }
    }
  });

  it("does no work where there is none", async () => {
    const { source, base } = await baseImage({ compression: "zstd" });
    const image = recompress(base, "zstd");
    assertStrictEquals((await image.layers())[0], (await base.layers())[0]);
    assertEquals(await image.digest(), await base.digest());
    assertEquals(await image.rawManifest(), await base.rawManifest());
    assertEquals(await opensOf(source, base), [0, 0]);
    const once = recompress(base, "gzip");
    assertEquals(await recompress(once, "gzip").digest(), await once.digest());
  });

  it("reads each layer once, and none for the config", async () => {
    recompress(unread<Image>("image"), "zstd");
    const { source, base } = await baseImage();
    const image = recompress(base, "zstd", { level: 3 });
    assertEquals(await image.digestKnown(), false);
    assertEquals(await image.configName(), await base.configName());
    assertEquals(await opensOf(source, base), [0, 0]);
    await image.digest();
    assertEquals(await opensOf(source, base), [1, 1]);
    assert(await image.digestKnown());
  });

  it("leaves what may not be pushed, and what is no layer", async () => {
    const types = [MediaType.OciRestrictedLayer, MediaType.DockerForeignLayer, "application/x-blob"];
    const { base } = await baseImage({
      layers: [TAR, TAR, TAR],
      manifest: (json) => types.forEach((mediaType, i) => Object.assign(json.layers[i], { mediaType, urls: ["u"] })),
    });
    assertEquals((await sentManifest(recompress(base, "zstd"))).layers, (await base.manifest()).layers);
  });

  it("keeps annotations, but those about the bytes", async () => {
    const { base } = await baseImage({
      manifest: (json) => {
        json.annotations = { of: "the image" };
        json.layers[0].annotations = { of: "the layer", "containerd.io/snapshot/stargz/toc.digest": "x" };
        json.layers[0].urls = ["https://example.com/layer"];
      },
    });
    const { annotations, layers: [first] } = await sentManifest(recompress(base, "none"));
    assertEquals([annotations, first.annotations], [{ of: "the image" }, { of: "the layer" }]);
    assertEquals(first.urls, undefined);
    const twice = await sentManifest(recompress(recompress(base, "none"), "zstd"));
    assertEquals(twice.layers[0].annotations, { of: "the layer" });
  });

  it("compresses as hard as it is asked to", async () => {
    const bytes = await tarOf([file("text", Array.from({ length: 20_000 }, (_, i) => `${i * i}`).join(" "))]);
    const image = appendLayers(emptyImage(), [await layerFromBytes(bytes, { compression: "none" })]);
    const size = async (level: number) => (await sentManifest(recompress(image, "gzip", { level }))).layers[0].size;
    assert(await size(9) < await size(1));
  });

  it("takes a layer by itself", async () => {
    const layer = await layerFromBytes(TAR);
    assertStrictEquals(await recompressLayer(layer, "gzip"), layer);
    const zstd = await recompressLayer(layer, "zstd");
    assertEquals([await zstd.mediaType(), await zstd.diffId()], [MediaType.OciLayerZstd, await layer.diffId()]);
    await validateLayer(zstd);
    const docker = await layerFromBytes(TAR, { mediaType: MediaType.DockerLayer });
    assertEquals(await (await recompressLayer(docker, "none")).mediaType(), MediaType.DockerUncompressedLayer);
  });
});

describe("flattenImage", () => {
  const history = [{ created_by: "one" }, { created_by: "none", empty_layer: true }, { created_by: "two" }];
  const stacked = changeImage(appendLayers(emptyImage({ platform: AMD64 }), STACK.map(({ layer }) => layer)), {
    created: "2024-01-01T00:00:00Z",
    labels: { a: "1" },
    annotations: { b: "2" },
  });
  const told = appendLayers(emptyImage({ platform: AMD64 }), [
    { layer: STACK[0].layer, history: history[0] },
    { layer: STACK[1].layer, history: history[2] },
  ]);

  it("gives one layer of what extract gives, and keeps what the image says otherwise", async () => {
    const image = flattenImage(stacked);
    const [only, ...others] = await image.layers();
    assertEquals(others, []);
    assertEquals(await itemsOf(await only.uncompressed()), await itemsOf(extract(stacked)));
    const paths = (await itemsOf(await only.uncompressed())).map(({ path }) => path);
    assertEquals(paths.sort(), ["added", "etc/changed", "etc/kept"]);
    const { rootfs, history: _, ...config } = await sentConfig(image);
    const { rootfs: __, history: ___, ...before } = await sentConfig(stacked);
    assertEquals(config as Json, before);
    assertEquals(rootfs.diff_ids, [await only.diffId()]);
    assertEquals((await sentManifest(image)).annotations, { b: "2" });
    await validateImage(image);
    await validateImage(stacked);
  });

  it("tells what was flattened, with the old history", async () => {
    const of = async (image: Image) => (await sentConfig(flattenImage(image))).history;
    assertEquals(await of(stacked), [{
      created: "2024-01-01T00:00:00Z",
      created_by: `gcrane flatten ${await stacked.digest()}`,
      comment: JSON.stringify((await sentConfig(stacked)).history),
    }]);
    assertEquals(await of(told), [{
      created_by: `gcrane flatten ${await told.digest()}`,
      comment: JSON.stringify([history[0], history[2]]),
    }]);
    assertEquals(await of(emptyImage()), [{ created_by: `gcrane flatten ${await emptyImage().digest()}` }]);
    const own = { created_by: "me", comment: "because" };
    assertEquals((await sentConfig(flattenImage(stacked, { history: own }))).history, [own]);
  });

  it("stores the layer as it is asked to, in the image's family", async () => {
    for (const family of [OCI, DOCKER]) {
      for (const compression of KINDS) {
        const image = flattenImage(changeImage(stacked, { mediaType: family }), { compression });
        const { mediaType, layers } = await sentManifest(image);
        assertEquals([mediaType, layers[0].mediaType], [family, layerMediaType(family, compression)]);
        await validateImage(image);
      }
      const { layers } = await sentManifest(flattenImage(changeImage(stacked, { mediaType: family })));
      assertEquals(layers[0].mediaType, layerMediaType(family, "gzip"));
    }
  });

  it("reads each layer once, and nothing before somebody asks", async () => {
    flattenImage(unread<Image>("image"));
    const { source, base } = await baseImage({ manifest: asDocker });
    const image = flattenImage(base);
    assertEquals(await image.digestKnown(), false);
    assertEquals(await opensOf(source, base), [0, 0]);
    await collect(await (await image.layers())[0].compressed());
    assert(await image.digestKnown());
    await image.digest();
    await image.configFile();
    assertEquals(await opensOf(source, base), [1, 1]);
  });

  it("refuses an artifact", async () => {
    const { base } = await baseImage({ manifest: (json) => json.config.mediaType = "application/x-config" });
    await assertRejects(() => flattenImage(base).digest(), ManifestError, "application/x-config");
  });

  it("is the same image for the same image", async () => {
    assertEquals(await flattenImage(stacked).digest(), await flattenImage(stacked).digest());
    assertNotEquals(await flattenImage(stacked).digest(), await flattenImage(told).digest());
  });
});

describe("edits of layers that are not compressed yet", () => {
  it("do not compress what the next edit replaces", async () => {
    const chains: ((image: Image) => Image)[] = [
      (image) => recompress(flattenImage(image), "zstd"),
      (image) => time(flattenImage(image), new Date(0)),
      (image) => changeImage(flattenImage(time(image, new Date(0))), { mediaType: DOCKER, annotations: { a: "b" } }),
      (image) => recompress(changeImage(time(image, new Date(0)), { mediaType: DOCKER }), "zstd"),
    ];
    for (const chain of chains) {
      const { source, base } = await baseImage();
      const image = chain(base);
      assertEquals(await image.digestKnown(), false);
      await image.digest();
      assertEquals(await opensOf(source, base), [1, 1]);
      await validateImage(image);
    }
  });

  it("are not compressed for an edit of the manifest above layers that were appended", async () => {
    let opens = 0;
    const added = layerFromUncompressed({ uncompressed: () => Promise.resolve((opens++, streamOf(TAR))) });
    const { base } = await baseImage({ manifest: (json) => json.annotations = { a: "1" } });
    const labelled = changeImage(appendLayers(base, [added]), { annotations: { b: "2" } });
    assertEquals((await labelled.outline()).annotations, { a: "1", b: "2" });
    const image = changeImage(recompress(labelled, "zstd"), { annotations: { c: "3" } });
    assertEquals((await image.manifest()).annotations, { a: "1", b: "2", c: "3" });
    assertEquals(opens, 1);
  });

  it("give the same bytes whoever was asked first", async () => {
    const { base } = await baseImage({
      manifest: (json) => {
        json.annotations = { a: "1" };
        json.layers[0].annotations = { of: "the layer" };
        json.config.annotations = { of: "the config" };
      },
    });
    const make = () => {
      const first = time(base, new Date(0));
      return { first, second: changeImage(recompress(first, "zstd"), { annotations: { b: "2" } }) };
    };
    const [one, other] = [make(), make()];
    await one.first.digest();
    assertEquals(await one.second.digest(), await other.second.digest());
    assertEquals(await one.second.rawManifest(), await other.second.rawManifest());
  });

  it("map over an index", async () => {
    const { index } = await platformIndex();
    const mapped = mapIndex(index, (image) => recompress(flattenImage(image), "zstd"));
    for (const { view, descriptor } of await mapped.children()) {
      if (view.kind !== "image" || descriptor.platform?.os === "unknown") continue;
      assertEquals((await view.manifest()).layers.map(({ mediaType }) => mediaType), [MediaType.OciLayerZstd]);
    }
  });
});
