import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { DigestMismatchError, LimitError, ManifestError, NotFoundError, SizeMismatchError } from "../../src/errors.ts";
import { embedded } from "../../src/image/internal.ts";
import { imageFromCompressed, layerFromBytes } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { collect } from "../make/streams.ts";
import { MemorySource, tarOf } from "../make/memory_source.ts";

const NOWHERE: Hash = `sha256:${"0".repeat(64)}`;
const TARS = [await tarOf({ a: "1" }), await tarOf({ b: "2" })];

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

describe("imageFromCompressed", () => {
  it("derives everything from the manifest and the blobs", async () => {
    const source = new MemorySource();
    const descriptor = await source.addImage({ layers: TARS });
    const image = source.image(descriptor);
    assertEquals(image.kind, "image");
    assertEquals(await image.digest(), descriptor.digest);
    assertEquals(await image.size(), descriptor.size);
    assertEquals(await image.mediaType(), MediaType.OciManifest);
    assertEquals(await image.descriptor(), descriptor);
    assertStrictEquals(await image.rawManifest(), source.blobs.get(descriptor.digest));
    const manifest = await image.manifest();
    assertEquals(await image.configName(), manifest.config.digest);
    assertEquals(await image.rawConfigFile(), source.blobs.get(manifest.config.digest));
    const { rootfs, os } = await image.configFile();
    assertEquals(os, "linux");
    const layers = await image.layers();
    assertEquals(await Promise.all(layers.map((layer) => layer.descriptor())), [...manifest.layers]);
    assertEquals(await Promise.all(layers.map((layer) => layer.diffId())), [...rootfs.diff_ids]);
    assertEquals(await collect(await layers[1].uncompressed()), TARS[1]);
    const config = await image.configLayer();
    assertEquals(await config.descriptor(), manifest.config);
    assertEquals(await collect(await config.compressed()), await image.rawConfigFile());
  });

  it("reads nothing before it is asked, and each thing once", async () => {
    const source = new MemorySource();
    const descriptor = await source.addImage({ layers: TARS });
    let manifests = 0;
    const image = imageFromCompressed({
      rawManifest: () => {
        manifests++;
        return Promise.resolve(source.blobs.get(descriptor.digest)!);
      },
      blob: (blob) => ({ compressed: () => source.open(blob) }),
    });
    assertEquals(manifests, 0);
    await Promise.all([image.manifest(), image.layers(), image.configName()]);
    assertEquals(manifests, 1);
    assertEquals(source.opened, []);
    await Promise.all([image.configFile(), image.rawConfigFile(), image.layers()]);
    for (const layer of await image.layers()) await layer.diffId();
    assertEquals(source.opened, [await image.configName()]);
  });

  it("keeps the bytes of a manifest as they are", async () => {
    const source = new MemorySource();
    const { digest } = await source.addImage({ layers: TARS });
    const text = new TextDecoder().decode(source.blobs.get(digest));
    const spaced = utf8(`\n${text.replaceAll(",", " ,\t")}\n`);
    const image = imageFromCompressed({
      rawManifest: () => Promise.resolve(spaced),
      blob: (blob) => ({ compressed: () => source.open(blob) }),
    });
    assertEquals(await image.rawManifest(), spaced);
    assertEquals(await image.digest(), await digestBytes(spaced));
    assertEquals(await image.size(), spaced.length);
    assertEquals(await image.mediaType(), MediaType.OciManifest);
    assertEquals(await image.descriptor(), {
      mediaType: MediaType.OciManifest,
      digest: await image.digest(),
      size: spaced.length,
    });
  });

  it("finds layers by digest and by diff id, and the config by digest", async () => {
    const source = new MemorySource();
    const image = source.image(await source.addImage({ layers: TARS }));
    const layers = await image.layers();
    assertStrictEquals(await image.layerByDigest(await layers[1].digest()), layers[1]);
    assertStrictEquals(await image.layerByDiffId(await layers[1].diffId()), layers[1]);
    const config = await image.layerByDigest(await image.configName());
    assertEquals(await collect(await config.compressed()), await image.rawConfigFile());
    await assertRejects(() => image.layerByDigest(NOWHERE), NotFoundError, `the image has no layer with the digest`);
    await assertRejects(() => image.layerByDiffId(NOWHERE), NotFoundError, `the image has no layer with the diff id`);
  });

  it("takes a layer that occurs twice", async () => {
    const source = new MemorySource();
    const image = source.image(await source.addImage({ layers: [TARS[0], TARS[1], TARS[0]] }));
    const layers = await image.layers();
    assertEquals(layers.length, 3);
    assertEquals(await layers[0].digest(), await layers[2].digest());
    assertEquals(await layers[0].diffId(), await layers[2].diffId());
    assertStrictEquals(await image.layerByDiffId(await digestBytes(TARS[0])), layers[0]);
    assertEquals(await collect(await layers[2].uncompressed()), TARS[0]);
  });

  it("takes two layers that are stored differently and hold the same", async () => {
    const source = new MemorySource();
    const [gzip, zstd] = await Promise.all(
      (["gzip", "zstd"] as const).map((compression) => layerFromBytes(TARS[0], { compression })),
    );
    const descriptors = [await gzip.descriptor(), await zstd.descriptor()];
    source.blobs.set(descriptors[0].digest, await collect(await gzip.compressed()));
    source.blobs.set(descriptors[1].digest, await collect(await zstd.compressed()));
    const image = source.image(
      await source.addImage({
        layers: [TARS[0], TARS[0]],
        manifest: (manifest) => manifest.layers = descriptors,
      }),
    );
    const layers = await image.layers();
    assertEquals(await layers[0].diffId(), await layers[1].diffId());
    for (const layer of layers) assertEquals(await collect(await layer.uncompressed()), TARS[0]);
  });

  it("uses content that is embedded in a descriptor, once it is verified", async () => {
    const source = new MemorySource();
    const embed = (descriptor: Descriptor) => {
      const { digest } = descriptor;
      Object.assign(descriptor, { data: base64(source.blobs.get(digest)!) });
      source.blobs.delete(digest);
    };
    const descriptor = await source.addImage({
      layers: TARS,
      manifest: (manifest) => {
        embed(manifest.config);
        embed(manifest.layers[1]);
      },
    });
    const image = source.image(descriptor);
    assertEquals((await image.configFile()).os, "linux");
    const [first, second] = await image.layers();
    assertEquals(await collect(await second.uncompressed()), TARS[1]);
    assertEquals(source.opened, []);
    assertEquals(await collect(await first.uncompressed()), TARS[0]);
  });

  it("refuses embedded content that is another", async () => {
    const source = new MemorySource();
    const lies = (data: string) =>
      source.addImage({
        layers: TARS,
        manifest: ({ config, layers }) => {
          config.data = data;
          layers[0].data = data;
        },
      });
    const image = source.image(await lies(base64(utf8("{}"))));
    await assertRejects(() => image.configFile(), SizeMismatchError, "the data embedded for sha256:");
    const [layer] = await image.layers();
    await assertRejects(() => layer.compressed(), SizeMismatchError, "the data embedded for sha256:");
    // What is not base64 is no content: the blob itself is read.
    const garbled = source.image(await lies("not base64!"));
    assertEquals((await garbled.configFile()).os, "linux");
  });

  it("reads no more of a config than its descriptor says, and never too much", async () => {
    const source = new MemorySource();
    const small = source.image(
      await source.addImage({ layers: [], manifest: ({ config }) => config.size -= 1 }),
    );
    await assertRejects(() => small.rawConfigFile(), SizeMismatchError);
    const huge = imageFromCompressed({
      rawManifest: () =>
        Promise.resolve(jsonBytes({ config: { mediaType: "x", digest: NOWHERE, size: 1e12 }, layers: [] })),
      blob: () => ({ compressed: () => Promise.resolve(endless()) }),
    });
    await assertRejects(() => huge.rawConfigFile(), LimitError, `config ${NOWHERE} is larger than the limit`);
  });

  it("computes the diff ids of an artifact's blobs, whose config has none", async () => {
    const source = new MemorySource();
    const text = utf8("a document");
    const blob = await source.add(text, "text/plain");
    const image = source.image(
      await source.addImage({
        layers: [],
        manifest: (manifest) => {
          manifest.config.mediaType = MediaType.OciEmpty;
          manifest.layers = [blob];
        },
      }),
    );
    const [layer] = await image.layers();
    assertEquals(await layer.diffId(), blob.digest);
    assertEquals(await collect(await layer.uncompressed()), text);
  });

  it("computes diff ids when the config has too few", async () => {
    const source = new MemorySource();
    const image = source.image(
      await source.addImage({ layers: TARS, config: ({ rootfs }) => rootfs.diff_ids.pop() }),
    );
    const [first, second] = await image.layers();
    assertEquals(await first.diffId(), await digestBytes(TARS[0]));
    assertEquals(await second.diffId(), await digestBytes(TARS[1]));
  });

  it("says which manifest is malformed", async () => {
    const image = imageFromCompressed({
      rawManifest: () => Promise.resolve(utf8("<html>")),
      blob: () => ({ compressed: () => Promise.reject(new Error("opened")) }),
      what: "r.example.com/a:b",
    });
    for (const ask of [image.manifest, image.layers, image.mediaType, image.configFile]) {
      await assertRejects<Error>(() => ask(), ManifestError, "r.example.com/a:b is not JSON");
    }
    assertEquals(await image.digest(), await digestBytes(utf8("<html>")));
  });

  it("tries again after a failure", async () => {
    const source = new MemorySource();
    const descriptor = await source.addImage({ layers: TARS });
    let asked = 0;
    const image = imageFromCompressed({
      rawManifest: () =>
        ++asked === 1 ? Promise.reject(new Error("cut")) : Promise.resolve(source.blobs.get(descriptor.digest)!),
      blob: (blob) => ({ compressed: () => source.open(blob) }),
    });
    await assertRejects(() => image.layers(), Error, "cut");
    assertEquals((await image.layers()).length, 2);
    assertEquals(asked, 2);
  });

  it("ends only the wait of the caller that aborts", async () => {
    const source = new MemorySource();
    const descriptor = await source.addImage({ layers: TARS });
    const gate = Promise.withResolvers<void>();
    const image = imageFromCompressed({
      rawManifest: async () => {
        await gate.promise;
        return source.blobs.get(descriptor.digest)!;
      },
      blob: (blob) => ({ compressed: () => source.open(blob) }),
    });
    const controller = new AbortController();
    const patient = image.configFile();
    const impatient = image.configFile({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => impatient, Error, "enough");
    gate.resolve();
    assertEquals((await patient).os, "linux");
  });

  it("hands on where its blobs can be mounted from", async () => {
    const source = new MemorySource();
    const descriptor = await source.addImage({ layers: TARS });
    const origin = { registry: "r.example.com", repository: "a" };
    const image = imageFromCompressed({
      rawManifest: () => Promise.resolve(source.blobs.get(descriptor.digest)!),
      blob: (blob) => ({ compressed: () => source.open(blob), origin }),
    });
    for (const layer of [...await image.layers(), await image.configLayer()]) {
      assertEquals(layer.content.origins, [origin]);
    }
  });
});

describe("a view", () => {
  it("gives a fresh stream each time", async () => {
    const source = new MemorySource();
    const image = source.image(await source.addImage({ layers: TARS }));
    const [layer] = await image.layers();
    const [one, other] = await Promise.all([layer.uncompressed(), layer.uncompressed()]);
    assertEquals(await collect(one), await collect(other));
  });
});

describe("embedded", () => {
  it("gives what a descriptor carries, once it is verified", async () => {
    const bytes = utf8("text");
    const descriptor: Descriptor = { mediaType: "text/plain", digest: await digestBytes(bytes), size: 4 };
    assertEquals(await embedded(descriptor), undefined);
    assertEquals(await embedded({ ...descriptor, data: base64(bytes) }), bytes);
    assertEquals(await embedded({ ...descriptor, data: "%" }), undefined);
    await assertRejects(() => embedded({ ...descriptor, data: base64(utf8("tixt")) }), DigestMismatchError);
  });
});

/** A stream without an end. */
function endless(): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunk = new Uint8Array(8 * 1024 * 1024);
  return new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }, { highWaterMark: 0 });
}
