import { describe, it } from "node:test";
import { assert, assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { StreamLayerError } from "../../src/errors.ts";
import {
  emptyImage,
  type Image,
  layerFromBytes,
  layerFromOpener,
  staticLayer,
  streamLayer,
  validateImage,
} from "../../src/image/mod.ts";
import { compress, digestBytes, drain, streamOf } from "../../src/io/mod.ts";
import { type Addendum, appendLayers } from "../../src/mutate/mod.ts";
import {
  type ConfigFile,
  type Descriptor,
  layerMediaType,
  MediaType,
  parseConfigFile,
  parseManifest,
} from "../../src/spec/mod.ts";
import { type Json, MemorySource, tarOf } from "../make/memory_source.ts";
import { utf8 } from "../make/bytes.ts";
import { collect } from "../make/streams.ts";
import { file, layer, layerOf } from "../make/entry_layers.ts";

const TAR = await tarOf({ added: "1" });
const DIFF_ID = await digestBytes(TAR);
const GZIPPED = await collect(compress(streamOf(TAR), "gzip"));
const DOCKER = MediaType.DockerManifestSchema2;
const OCI = MediaType.OciManifest;

/** An image of two layers in a source that notes what is opened. */
async function baseImage(manifest?: (manifest: Json, source: MemorySource) => void, config?: (config: Json) => void) {
  const source = new MemorySource();
  const layers = [await tarOf({ a: "1" }), await tarOf({ b: "2" })];
  const descriptor = await source.addImage({ layers, manifest: (json) => manifest?.(json, source), config });
  return { source, base: source.image({ ...descriptor, mediaType: await mediaTypeIn(source, descriptor) }) };
}

async function mediaTypeIn(source: MemorySource, { digest }: Descriptor): Promise<string> {
  return await Promise.resolve(parseManifest(source.blobs.get(digest)!).mediaType!);
}

const asDocker = (manifest: Json) => {
  manifest.mediaType = DOCKER;
  manifest.config.mediaType = MediaType.DockerConfigJson;
  for (const layer of manifest.layers) layer.mediaType = MediaType.DockerLayer;
};

/** The descriptors of layers that an image has in its manifest as it is sent. */
async function sentLayers(image: Image): Promise<readonly Descriptor[]> {
  return parseManifest(await image.rawManifest()).layers;
}

async function sentConfig(image: Image): Promise<ConfigFile> {
  return parseConfigFile(await collect(await (await image.configLayer()).compressed()));
}

describe("appendLayers", () => {
  it("puts layers on top, in order, and their diff ids into the config", async () => {
    const { base } = await baseImage();
    const [one, two] = [await layerFromBytes(GZIPPED), await layerFromBytes(await tarOf({ c: "3" }))];
    const image = appendLayers(base, [one, two]);
    const before = await base.manifest();
    assertEquals(await sentLayers(image), [...before.layers, await one.descriptor(), await two.descriptor()]);
    const { rootfs, architecture, os } = await sentConfig(image);
    const old = await base.configFile();
    assertEquals(rootfs.diff_ids, [...old.rootfs.diff_ids, DIFF_ID, await two.diffId()]);
    assertEquals([architecture, os], ["amd64", "linux"]);
    assertEquals((await image.layers()).length, 4);
    await validateImage(image);
  });

  it("leaves the base as it is", async () => {
    const { base } = await baseImage();
    const before = [await base.digest(), await base.rawManifest(), await base.rawConfigFile(), await base.layers()];
    const image = appendLayers(base, [await layerFromBytes(GZIPPED)]);
    assertNotEquals(await image.digest(), await base.digest());
    assertNotEquals(await image.configName(), await base.configName());
    assertEquals(
      [await base.digest(), await base.rawManifest(), await base.rawConfigFile(), await base.layers()],
      before,
    );
    await validateImage(base);
  });

  it("gives the base itself where nothing is appended", async () => {
    const { base } = await baseImage();
    assertStrictEquals(appendLayers(base, []), base);
  });

  it("can be repeated, and gives the same image for the same layers", async () => {
    const { base } = await baseImage();
    const layers = [await layerFromBytes(GZIPPED), await layerFromBytes(await tarOf({ c: "3" }))];
    const atOnce = appendLayers(base, layers);
    const inTurn = layers.reduce((image, layer) => appendLayers(image, [layer]), base);
    assertEquals(await inTurn.digest(), await atOnce.digest());
    await validateImage(inTurn);
  });

  it("takes the same layer twice", async () => {
    const layer = await layerFromBytes(GZIPPED);
    const image = appendLayers(emptyImage(), [layer, layer]);
    assertEquals((await sentConfig(image)).rootfs.diff_ids, [DIFF_ID, DIFF_ID]);
    await validateImage(image);
  });

  it("keeps what the base's manifest and config say otherwise", async () => {
    const subject = { mediaType: OCI, digest: await digestBytes(utf8("subject")), size: 7 };
    const { base } = await baseImage(
      (manifest) => {
        manifest.annotations = { "org.opencontainers.image.title": "base" };
        manifest.subject = subject;
        manifest.layers[0].annotations = { of: "a layer" };
        manifest.layers[1].urls = ["https://example.com/layer"];
        manifest.ownField = [1];
      },
      (config) => {
        config.config = { Env: ["A=b"], Labels: { x: "y" }, OnBuild: ["z"] };
        config.created = "2024-01-01T00:00:00Z";
        config.rootfs.ownField = 1;
        config.ownField = { deep: true };
      },
    );
    const image = appendLayers(base, [await layerFromBytes(GZIPPED)]);
    const { annotations, subject: kept, ownField, layers } = parseManifest(await image.rawManifest()) as Json;
    assertEquals(annotations, { "org.opencontainers.image.title": "base" });
    assertEquals(kept, subject);
    assertEquals(ownField, [1]);
    assertEquals(layers.slice(0, 2), (await base.manifest()).layers);
    const { rootfs, history: _, ...config } = await sentConfig(image);
    const { rootfs: oldRootfs, ...oldConfig } = await base.configFile();
    assertEquals(config as Json, oldConfig);
    assertEquals({ ...rootfs, diff_ids: [] } as Json, { ...oldRootfs, diff_ids: [] });
  });

  it("drops the base's config that its manifest carried in itself", async () => {
    const { base } = await baseImage((manifest, source) => {
      manifest.config.data = btoa(String.fromCharCode(...source.blobs.get(manifest.config.digest)!));
    });
    const { config } = parseManifest(await appendLayers(base, [await layerFromBytes(GZIPPED)]).rawManifest());
    assertEquals(Object.keys(config).sort(), ["digest", "mediaType", "size"]);
  });
});

describe("the history of an appended layer", () => {
  const steps = [{ created_by: "first" }, { created_by: "second", empty_layer: true }, { created_by: "third" }];

  it("comes after the base's, and says who appended it if nothing else is said", async () => {
    const { base } = await baseImage(undefined, (config) => config.history = steps);
    const history = { created_by: "me", comment: "because", created: "2024-02-03T04:05:06Z" };
    const layer = await layerFromBytes(GZIPPED);
    const image = appendLayers(base, [layer, { layer, history }]);
    assertEquals((await sentConfig(image)).history, [...steps, { created_by: "gcrane append" }, history]);
    assertEquals((await base.configFile()).history, steps);
  });

  it("begins one where the base has none", async () => {
    for (const history of [undefined, null, []]) {
      const { base } = await baseImage(undefined, (config) => config.history = history);
      const image = appendLayers(base, [await layerFromBytes(GZIPPED)]);
      assertEquals((await sentConfig(image)).history, [{ created_by: "gcrane append" }]);
    }
  });
});

describe("the media type of an appended layer", () => {
  it("follows the base's family, as do those of the image and its config", async () => {
    for (const [family, manifest] of [[OCI, undefined], [DOCKER, asDocker]] as const) {
      const { base } = await baseImage(manifest);
      for (const compression of ["none", "gzip", "zstd"] as const) {
        for (const own of [OCI, DOCKER].map((other) => layerMediaType(other, compression))) {
          const image = appendLayers(base, [await layerFromBytes(TAR, { compression, mediaType: own })]);
          assertEquals((await sentLayers(image)).at(-1)?.mediaType, layerMediaType(family, compression));
          assertEquals(await (await image.layers()).at(-1)?.mediaType(), layerMediaType(family, compression));
          const { mediaType, config } = parseManifest(await image.rawManifest());
          assertEquals([mediaType, await image.mediaType()], [family, family]);
          assertEquals(config.mediaType, (await base.manifest()).config.mediaType);
          await validateImage(image);
        }
      }
    }
  });

  it("is that of an empty image of either family", async () => {
    for (const family of [OCI, DOCKER]) {
      const image = appendLayers(emptyImage({ mediaType: family }), [await layerFromBytes(TAR)]);
      assertEquals((await sentLayers(image))[0].mediaType, layerMediaType(family, "gzip"));
      await validateImage(image);
    }
  });

  it("stays where it is a foreign layer's or of no layer at all", async () => {
    const { base } = await baseImage(asDocker);
    for (
      const own of [
        MediaType.OciRestrictedLayerGzip,
        MediaType.DockerForeignLayer,
        "application/x-own",
        MediaType.OciEmpty,
      ]
    ) {
      const image = appendLayers(base, [await layerFromBytes(GZIPPED, { mediaType: own })]);
      assertEquals((await sentLayers(image)).at(-1)?.mediaType, own);
    }
  });

  it("is what the addendum says", async () => {
    const { base } = await baseImage(asDocker);
    for (const mediaType of [MediaType.OciLayerGzip, "application/x-own"]) {
      const image = appendLayers(base, [{ layer: await layerFromBytes(GZIPPED), mediaType }]);
      assertEquals((await sentLayers(image)).at(-1)?.mediaType, mediaType);
    }
  });
});

describe("an addendum", () => {
  it("says what the layer's descriptor holds, and leaves what it does not name", async () => {
    const layer = await layerFromBytes(GZIPPED, { annotations: { own: "1" } });
    const { digest, size } = await layer.descriptor();
    const plain = { mediaType: MediaType.OciLayerGzip, digest, size };
    const urls = ["https://example.com/blob"];
    const cases: [Omit<Addendum, "layer">, Descriptor][] = [
      [{}, { ...plain, annotations: { own: "1" } }],
      [{ annotations: { other: "2" } }, { ...plain, annotations: { other: "2" } }],
      [{ urls }, { ...plain, annotations: { own: "1" }, urls }],
      // Empty fields are not written.
      [{ annotations: {}, urls: [], mediaType: "x/y" }, { mediaType: "x/y", digest, size }],
    ];
    for (const [said, expected] of cases) {
      const image = appendLayers(emptyImage(), [{ layer, ...said }]);
      assertEquals((await sentLayers(image))[0], expected);
      const { annotations = {}, urls = [], ...own } = await (await image.layers())[0].descriptor();
      assertEquals({ annotations, urls, ...own }, { annotations: {}, urls: [], ...expected });
    }
    assertEquals((await layer.descriptor()).annotations, { own: "1" });
  });
});

describe("appendLayers reads", () => {
  it("nothing before somebody asks", async () => {
    const unread = new Proxy({} as Image, { get: (_, name) => assert(false, `${String(name)} was read`) });
    appendLayers(unread, [await layerFromBytes(GZIPPED)]);
  });

  it("no layer of the base, and none that is compressed and knows its diff id", async () => {
    const { source, base } = await baseImage();
    const { layer: added, opened } = await layerOf(TAR, { compression: "gzip" });
    const image = appendLayers(base, [added]);
    assert(await image.digestKnown());
    await image.rawManifest();
    await image.digest();
    await image.configFile();
    await image.layerByDiffId(DIFF_ID);
    assertEquals(source.opened, [(await base.manifest()).config.digest]);
    assertEquals(opened.length, 0);
  });

  it("a plain tar once to compress it and once more to send it", async () => {
    let opens = 0;
    const open = () => Promise.resolve((opens++, streamOf(TAR)));
    const added = await layerFromOpener(open);
    assertEquals(opens, 1); // its first bytes, to see what it is
    const image = appendLayers(emptyImage(), [added]);
    assertEquals(await image.digestKnown(), false);
    await image.rawManifest();
    assertEquals(await image.digestKnown(), true);
    assertEquals(opens, 2);
    await drain(await (await image.layers())[0].compressed());
    assertEquals(opens, 3);
    await validateImage(image);
  });

  it("a stream when it is sent, and knows no digest before", async () => {
    const { base } = await baseImage(asDocker);
    const image = appendLayers(base, [streamLayer(streamOf(TAR)), {
      layer: await layerFromBytes(TAR),
      annotations: { a: "b" },
    }]);
    assertEquals(await image.digestKnown(), false);
    await assertRejects(() => image.rawManifest(), StreamLayerError);
    await assertRejects(() => image.configFile(), StreamLayerError);
    const sent = (await image.layers())[2];
    assertEquals(sent.content.identity, undefined);
    assertEquals(await sent.mediaType(), MediaType.DockerLayer);
    const stored = await collect(await sent.compressed());
    assert(sent.content.identity);

    const { mediaType, digest, size } = (await sentLayers(image))[2];
    assertEquals({ mediaType, digest, size }, {
      mediaType: MediaType.DockerLayer,
      digest: await digestBytes(stored),
      size: stored.length,
    });
    assertEquals((await sentConfig(image)).rootfs.diff_ids.slice(2), [DIFF_ID, DIFF_ID]);
  });
});

describe("appendLayers to an artifact", () => {
  it("leaves its config alone, to the byte", async () => {
    const source = new MemorySource();
    const config = await source.add(utf8("not even JSON"), "application/x-config");
    const blob = await source.add(utf8("blob"), "application/x-blob");
    const descriptor = await source.addImage({
      layers: [],
      manifest: (manifest) => {
        manifest.artifactType = "application/x-artifact";
        manifest.config = { ...config, annotations: { kept: "yes" } };
        manifest.layers = [blob];
      },
    });
    const image = appendLayers(source.image(descriptor), [await staticLayer(utf8("more"), "application/x-blob")]);
    const manifest = parseManifest(await image.rawManifest());
    assertEquals(manifest.config, { ...config, annotations: { kept: "yes" } });
    assertEquals(manifest.artifactType, "application/x-artifact");
    assertEquals(manifest.layers.map(({ size }) => size), [4, 4]);
    assertEquals(await image.rawConfigFile(), utf8("not even JSON"));
    await validateImage(image);
  });
});

describe("an image with an appended layer", () => {
  it("finds its layers by digest and by diff id", async () => {
    const { base } = await baseImage();
    const { layer: added } = await layer(file("c"));
    const image = appendLayers(base, [added]);
    const digest = await added.digest();
    assertEquals(await (await image.layerByDigest(digest)).digest(), digest);
    const diffId = await added.diffId();
    assertEquals(await (await image.layerByDiffId(diffId)).diffId(), diffId);
    const [first] = (await base.manifest()).layers;
    assertEquals(await (await image.layerByDigest(first.digest)).digest(), first.digest);
  });

  it("tries again after a base that could not be read", async () => {
    const { source, base } = await baseImage();
    const { config } = await base.manifest();
    const bytes = source.blobs.get(config.digest)!;
    source.blobs.delete(config.digest);
    const image = appendLayers(base, [await layerFromBytes(GZIPPED)]);
    await assertRejects(() => image.digest());
    source.blobs.set(config.digest, bytes);
    await validateImage(image);
  });
});
