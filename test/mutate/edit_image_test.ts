import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ManifestError, StreamLayerError, ValidationError } from "../../src/errors.ts";
import {
  emptyImage,
  type Image,
  type Layer,
  layerFromBytes,
  layerFromUncompressed,
  streamLayer,
  validateImage,
} from "../../src/image/mod.ts";
import { digestBytes, streamOf } from "../../src/io/mod.ts";
import { appendLayers, changeImage, editImage } from "../../src/mutate/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type ConfigFile, MediaType } from "../../src/spec/mod.ts";
import { type Json, MemorySource, tarOf } from "../make/memory_source.ts";
import { utf8 } from "../make/bytes.ts";
import { collect } from "../make/streams.ts";
import { baseImage, DOCKER, imageIn, OCI, sentConfig, sentManifest, spaced, unread } from "./edit_bases.ts";

const TAR = await tarOf({ added: "1" });

/** An image whose bytes are not as we would write them, and which is known from an index. */
async function foreignImage(): Promise<Image> {
  const source = new MemorySource();
  const { digest } = await source.addImage({
    layers: [TAR],
    config: (config) => config.ownField = { deep: [1] },
  });
  const manifest = JSON.parse(new TextDecoder().decode(source.blobs.get(digest)!));
  const config = JSON.parse(new TextDecoder().decode(source.blobs.get(manifest.config.digest)!));
  delete manifest.mediaType;
  manifest.ownField = null;
  manifest.config = { ...await source.add(spaced(config), MediaType.OciConfig), annotations: { of: "config" } };
  const platform = { os: "linux", architecture: "amd64", variant: "v2" };
  return source.image({ ...await source.add(spaced(manifest), OCI), platform });
}

describe("editImage without effect", () => {
  const edits = {
    "that is empty": {},
    "that gives back what it is given": {
      layers: (layers: readonly Layer[]) => [...layers],
      configFile: (config: ConfigFile) => ({ ...config }),
      rawConfigFile: (bytes: Uint8Array<ArrayBuffer>) => bytes.slice(),
      manifest: <T extends object>(extras: T) => ({ ...extras }),
      mediaType: OCI,
    },
  };
  for (const [name, edit] of Object.entries(edits)) {
    it(`${name} keeps every byte`, async () => {
      const base = await foreignImage();
      const image = editImage(base, edit);
      assertEquals(await image.rawManifest(), await base.rawManifest());
      assertEquals(await image.rawConfigFile(), await base.rawConfigFile());
      assertEquals(await image.digest(), await base.digest());
      assertEquals(await image.size(), await base.size());
      assertEquals(await image.manifest(), await base.manifest());
      assertEquals(await image.descriptor(), await base.descriptor());
      await validateImage(image);
    });
  }
});

describe("editImage", () => {
  it("changes the manifest's other fields, and keeps config and layers to the byte", async () => {
    const base = await foreignImage();
    const image = editImage(base, { manifest: (extras) => ({ ...extras, annotations: { a: "b" } }) });
    // A manifest without a media type stays one.
    assertEquals(await sentManifest(image), { ...await base.manifest(), annotations: { a: "b" } });
    assertEquals(await image.rawConfigFile(), await base.rawConfigFile());
    assertEquals(await image.descriptor(), {
      mediaType: OCI,
      digest: await digestBytes(await image.rawManifest()),
      size: (await image.rawManifest()).length,
    });
    await validateImage(image);
  });

  it("takes away what the edit of the manifest leaves out", async () => {
    const { base } = await baseImage({
      manifest: (json) => Object.assign(json, { annotations: { a: "1" }, artifactType: "x/y", ownField: 1 }),
    });
    const image = editImage(base, { manifest: ({ annotations }) => ({ annotations }) });
    assertEquals(Object.keys(await sentManifest(image)), [
      "schemaVersion",
      "mediaType",
      "config",
      "layers",
      "annotations",
    ]);
  });

  it("does not let the edit of the manifest touch config and layers", async () => {
    const { base } = await baseImage();
    const lie = { layers: [], config: {}, schemaVersion: 7, mediaType: "x/y", own: 1 } as Json;
    const { own, ...manifest } = await sentManifest(editImage(base, { manifest: () => lie })) as Json;
    assertEquals(manifest, await base.manifest() as Json);
    assertEquals(own, 1);
  });

  it("changes the config, and its descriptor with it", async () => {
    const source = new MemorySource();
    const base = await imageIn(source, {
      manifest: ({ config }) => {
        config.annotations = { of: "config" };
        config.data = btoa(String.fromCharCode(...source.blobs.get(config.digest)!));
        config.urls = ["https://example.com/config"];
      },
    });
    const image = editImage(base, {
      configFile: (config) => ({ ...config, author: "nobody" }),
      rawConfigFile: (bytes) => spaced({ ...JSON.parse(new TextDecoder().decode(bytes)), author: "me" }),
    });
    const bytes = await image.rawConfigFile();
    assertEquals((await sentConfig(image)).author, "me");
    assertEquals((await sentManifest(image)).config, {
      mediaType: MediaType.OciConfig,
      digest: await digestBytes(bytes),
      size: bytes.length,
      annotations: { of: "config" },
    });
    assertEquals(await image.configName(), await digestBytes(bytes));
    // Also when it is edited again, and when it becomes what it was.
    const again = changeImage(changeImage(image, { annotations: { a: "b" } }), { created: new Date(0) });
    assertEquals((await sentManifest(again)).config.annotations, { of: "config" });
    const back = editImage(again, { rawConfigFile: () => base.rawConfigFile() });
    assertEquals((await sentManifest(back)).config, (await base.manifest()).config);
  });

  it("neither loses an edit in place nor lets it reach the base", async () => {
    const { base } = await baseImage({
      config: (json) => json.config = { Labels: { a: "1" } },
      manifest: (json) => json.annotations = { a: "1" },
    });
    const before = [await base.rawManifest(), await base.configFile(), await base.manifest()].map((value) =>
      structuredClone(value)
    );
    const image = editImage(base, {
      configFile: (config) => {
        (config as Json).config.Labels.a = "2";
        return config;
      },
      manifest: (extras) => {
        (extras as Json).annotations.a = "2";
        return extras;
      },
    });
    assertEquals((await sentConfig(image)).config?.Labels, { a: "2" });
    assertEquals((await sentManifest(image)).annotations, { a: "2" });
    assertEquals([await base.rawManifest(), await base.configFile(), await base.manifest()] as unknown[], before);
    await validateImage(image);
  });

  it("has the diff ids follow from the layers, before the config is edited", async () => {
    const { base } = await baseImage();
    const added = await layerFromBytes(TAR);
    let given: readonly string[] = [];
    const image = editImage(base, {
      layers: (layers) => [added, layers[1], layers[0], layers[0]],
      configFile: (config) => (given = config.rootfs.diff_ids, { ...config, author: "me" }),
    });
    const [first, second] = (await base.configFile()).rootfs.diff_ids;
    const expected = [await digestBytes(TAR), second, first, first];
    assertEquals((await sentConfig(image)).rootfs, { type: "layers", diff_ids: expected });
    assertEquals(given, expected);
    await validateImage(image);
  });

  it("calls each edit once, when its part is read", async () => {
    const { base } = await baseImage();
    const calls: string[] = [];
    const noting = <T>(name: string) => (value: T) => (calls.push(name), value);
    const image = editImage(base, {
      layers: noting("layers"),
      configFile: noting("config"),
      manifest: noting("manifest"),
      rawConfigFile: noting("bytes"),
    });
    assertEquals(calls, []);
    await image.layers();
    assertEquals(calls, ["layers"]);
    await Promise.all([image.configFile(), image.rawConfigFile(), image.configName()]);
    assertEquals(calls, ["layers", "config", "bytes"]);
    await Promise.all([image.digest(), image.rawManifest(), image.manifest(), image.size(), image.layers()]);
    assertEquals(calls, ["layers", "config", "bytes", "manifest"]);
  });

  it("tries again after an edit that failed", async () => {
    const { base } = await baseImage();
    let fails = true;
    const image = editImage(base, {
      configFile: (config) => {
        if (fails) throw new Error("not now");
        return { ...config, author: "me" };
      },
    });
    await assertRejects(() => image.digest(), Error, "not now");
    fails = false;
    assertEquals((await image.configFile()).author, "me");
    await validateImage(image);
  });

  it("reads nothing before somebody asks", () => {
    editImage(unread<Image>("image"), {
      layers: (layers) => layers,
      configFile: (config) => config,
      mediaType: DOCKER,
    });
    changeImage(unread<Image>("image"), { labels: { a: "b" }, annotations: { a: "b" }, mediaType: DOCKER });
  });

  it("reads no layer, and passes on where one could be mounted from", async () => {
    const { source, base } = await baseImage();
    const origin = { registry: "registry.example.com", repository: "base" };
    const mountable = editImage(base, {
      layers: (layers) => layers.map((layer) => ({ ...layer, content: { ...layer.content, origins: [origin] } })),
    });
    const image = changeImage(mountable, {
      labels: { a: "b" },
      annotations: { a: "b" },
      mediaType: DOCKER,
      platform: { os: "linux", architecture: "arm64" },
    });
    assert(await image.digestKnown());
    await image.rawManifest();
    await image.configFile();
    assertEquals((await image.layers()).map((layer) => layer.content.origins), [[origin], [origin]]);
    assertEquals(source.opened, [(await base.manifest()).config.digest]);
  });

  it("waits for a streaming layer below it no longer than it must", async () => {
    const { base } = await baseImage();
    const image = changeImage(appendLayers(base, [streamLayer(streamOf(TAR))]), {
      labels: { a: "b" },
      annotations: { a: "b" },
      mediaType: DOCKER,
    });
    assertEquals(await image.digestKnown(), false);
    assertEquals(await image.mediaType(), DOCKER);
    await assertRejects(() => image.digest(), StreamLayerError);
    const sent = (await image.layers())[2];
    assertEquals(await sent.mediaType(), MediaType.DockerLayer);
    const stored = await collect(await sent.compressed());
    assert(await image.digestKnown());
    assertEquals((await sentManifest(image)).layers[2].digest, await digestBytes(stored));
    assertEquals((await sentConfig(image)).rootfs.diff_ids[2], await digestBytes(TAR));
    assertEquals((await sentConfig(image)).config?.Labels, { a: "b" });
  });

  it("compresses a plain layer below it once", async () => {
    const { base } = await baseImage();
    let opens = 0;
    const plain = layerFromUncompressed({ uncompressed: () => Promise.resolve((opens++, streamOf(TAR))) });
    const image = changeImage(appendLayers(base, [plain]), { user: "me", annotations: { a: "b" }, mediaType: DOCKER });
    assertEquals(await image.digestKnown(), false);
    await image.digest();
    assert(await image.digestKnown());
    assertEquals(opens, 1);
    await validateImage(image);
  });
});

describe("editImage refuses", () => {
  const asArtifact = (source: MemorySource, mediaType: string) => async () => {
    const config = await source.add(utf8("not JSON"), mediaType);
    const blob = await source.add(utf8("blob"), "application/x-blob");
    return await imageIn(source, {
      layers: [],
      manifest: (json) => {
        json.config = config;
        json.layers = [blob];
      },
    });
  };

  it("a layer count that disagrees with the config", async () => {
    const { base } = await baseImage({ config: (json) => json.rootfs.diff_ids.pop() });
    const name = await base.configName();
    for (const image of [changeImage(base, { user: "me" }), editImage(base, { layers: (layers) => layers.slice(1) })]) {
      const error = await assertRejects(() => image.digest(), ValidationError);
      assertEquals(error.message, `config ${name} has 1 diff ids where its image has 2 layers`);
    }
    // What has nothing to do with it can still be changed.
    assertEquals((await changeImage(base, { annotations: { a: "b" } }).manifest()).annotations, { a: "b" });
  });

  it("an edit that leaves another number of diff ids", async () => {
    const { base } = await baseImage();
    const config = await base.configFile();
    const wrong: ConfigFile = { ...config, rootfs: { ...config.rootfs, diff_ids: [] } };
    for (
      const image of [
        editImage(base, { configFile: () => wrong }),
        editImage(base, { rawConfigFile: () => jsonBytes(wrong) }),
        changeImage(base, { configFile: wrong }),
        editImage(base, { configFile: () => ({ os: "linux" }) as ConfigFile }),
      ]
    ) {
      const error = await assertRejects(() => image.rawConfigFile(), ValidationError);
      assertEquals(error.message, "the edited config has 0 diff ids where its image has 2 layers");
    }
  });

  it("an edit that leaves no config", async () => {
    const { base } = await baseImage();
    for (const text of ["{", "[]", '{"rootfs":1}', '{"rootfs":{"diff_ids":["x"]}}']) {
      const image = editImage(base, { rawConfigFile: () => utf8(text) });
      const error = await assertRejects(() => image.digest(), ManifestError);
      assert(error.message.startsWith("the edited config"), error.message);
    }
  });

  it("to edit an artifact's config as an image's, but not as bytes", async () => {
    const source = new MemorySource();
    const base = await asArtifact(source, "application/x-config")();
    const error = await assertRejects(() => changeImage(base, { labels: { a: "b" } }).digest(), ManifestError);
    assert(error.message.includes("application/x-config"), error.message);
    assert(error.hint);
    const image = editImage(base, { rawConfigFile: () => utf8("still not JSON"), configMediaType: "x/y" });
    assertEquals((await sentManifest(image)).config, {
      mediaType: "x/y",
      digest: await digestBytes(utf8("still not JSON")),
      size: 14,
    });
    await validateImage(image);
    const annotated = changeImage(base, { annotations: { a: "b" }, artifactType: "x/z" });
    assertEquals(await annotated.rawConfigFile(), utf8("not JSON"));
    await validateImage(annotated);
  });

  it("no artifact that borrows an image's config type, and gives it no diff ids", async () => {
    const source = new MemorySource();
    const { digest } = await source.add(utf8("{}"), MediaType.OciConfig);
    const blob = await source.add(utf8("blob"), "application/x-blob");
    const base = await imageIn(source, {
      layers: [],
      manifest: (json) => {
        json.config = { mediaType: MediaType.OciConfig, digest, size: 2 };
        json.layers = [blob];
      },
    });
    const image = editImage(changeImage(base, { author: "me" }), { layers: (layers) => [...layers, ...layers] });
    assertEquals((await sentConfig(image)).rootfs.diff_ids, []);
    assertEquals((await sentManifest(image)).layers, [blob, blob]);
    await validateImage(image);
  });

  it("a media type that is not an image's", () => {
    for (const mediaType of ["x/y", MediaType.OciImageIndex, MediaType.DockerManifestSchema1, ""]) {
      assertThrows(() => editImage(emptyImage(), { mediaType }), TypeError, "media type");
      assertThrows(() => changeImage(emptyImage(), { mediaType }), TypeError, "media type");
    }
  });
});
