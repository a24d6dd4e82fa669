import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { CompressionError, ValidationError } from "../../src/errors.ts";
import {
  emptyImage,
  emptyIndex,
  type Image,
  imageFromCompressed,
  type Layer,
  layerFromBytes,
  staticLayer,
  streamLayer,
  validateImage,
  validateIndex,
  validateLayer,
} from "../../src/image/mod.ts";
import { digestBytes, streamOf } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { type Descriptor, type Hash, MediaType, parsePlatform } from "../../src/spec/mod.ts";
import { writeTar } from "../../src/tar/mod.ts";
import { bytesOf, collect } from "../io/streams.ts";
import { bigTar, type ImageParts, type Json, MemorySource, tarOf } from "./memory_source.ts";

const TARS = [await tarOf({ a: "1", "b/c": "2" }), await bigTar(1)];
const OTHER: Hash = `sha256:${"0".repeat(64)}`;

/** What is wrong, by the message of the ValidationError that must come. */
async function problemsOf(work: Promise<void>): Promise<string[]> {
  const error = await assertRejects(() => work, ValidationError);
  assert(!error.message.includes("\n"));
  return error.message.split("; ");
}

async function imageWith(parts: Partial<ImageParts>): Promise<{ source: MemorySource; image: Image }> {
  const source = new MemorySource();
  return { source, image: source.image(await source.addImage({ layers: TARS, ...parts })) };
}

/** An image whose only layer is these bytes, under their right digest; the diff id is what is said. */
async function imageOfLayer(stored: Bytes, content: Bytes, mediaType: string = MediaType.OciLayerGzip): Promise<Image> {
  const source = new MemorySource();
  const layer = await source.add(stored, mediaType);
  return source.image(await source.addImage({ layers: [content], manifest: (manifest) => manifest.layers = [layer] }));
}

describe("validateImage", () => {
  it("finds nothing wrong with a good image", async () => {
    for (const compression of ["none", "gzip", "zstd"] as const) {
      await validateImage((await imageWith({ compression })).image);
    }
    await validateImage(emptyImage());
    await validateImage((await imageWith({ layers: [TARS[0], TARS[1], TARS[0]] })).image);
  });

  it("finds a manifest that is not the one that was promised", async () => {
    const { source, image } = await imageWith({});
    const descriptor = await image.descriptor();
    const raw = source.blobs.get(descriptor.digest)!;
    const changed = bytesOf(new TextDecoder().decode(raw) + "\n");
    source.blobs.set(descriptor.digest, changed);
    assertEquals(await problemsOf(validateImage(source.image(descriptor))), [
      `the manifest's digest is ${await digestBytes(changed)} where ${descriptor.digest} was promised`,
      `the manifest's size is ${raw.length + 1} where ${raw.length} was promised`,
    ]);
  });

  it("finds a media type that is not the one in the manifest", async () => {
    const { source, image } = await imageWith({});
    const { digest } = await image.descriptor();
    const other = imageFromCompressed({
      rawManifest: () => Promise.resolve(source.blobs.get(digest)!),
      blob: (blob) => ({ compressed: () => source.open(blob) }),
      mediaType: MediaType.DockerManifestSchema2,
    });
    assertEquals(await problemsOf(validateImage(other)), [
      `the manifest's media type is ${MediaType.OciManifest} where ${MediaType.DockerManifestSchema2} was promised`,
    ]);
  });

  it("finds what is no manifest", async () => {
    const { source, image } = await imageWith({});
    const descriptor = await image.descriptor();
    source.blobs.set(descriptor.digest, bytesOf("<html>"));
    const [problem, ...others] = await problemsOf(validateImage(source.image(descriptor)));
    assertStringIncludes(problem, "manifest: it is not JSON");
    assertEquals(others, []);
    source.blobs.delete(descriptor.digest);
    assertStringIncludes((await problemsOf(validateImage(source.image(descriptor))))[0], "manifest: there is no");
  });

  it("finds a config that is missing, another, of another size or none", async () => {
    const change = async (bytes: Bytes | undefined) => {
      const { source, image } = await imageWith({});
      const digest = await image.configName();
      if (bytes) source.blobs.set(digest, bytes);
      else source.blobs.delete(digest);
      return await problemsOf(validateImage(image));
    };
    assertStringIncludes((await change(undefined))[0], "config: there is no");
    assertStringIncludes((await change(bytesOf("{}")))[0], "config: sha256:");
    assertStringIncludes((await change(bytesOf("{}")))[0], "has 2 bytes where");
    const { image } = await imageWith({ manifest: ({ config }) => config.size++ });
    assertStringIncludes((await problemsOf(validateImage(image)))[0], "config: ");
    const list = await imageWith({ config: ({ rootfs }) => rootfs.diff_ids = 5 });
    assertStringIncludes((await problemsOf(validateImage(list.image)))[0], "config: it: rootfs.diff_ids is not a list");
  });

  it("finds a config and layers that don't belong together", async () => {
    const few = await imageWith({ config: ({ rootfs }) => rootfs.diff_ids.pop() });
    assertEquals(await problemsOf(validateImage(few.image)), [
      "config: it has 1 diff ids where the manifest has 2 layers",
    ]);
    const none = await imageWith({ config: (config) => delete config.rootfs });
    assertEquals(await problemsOf(validateImage(none.image)), [
      "config: it has 0 diff ids where the manifest has 2 layers",
    ]);
    const odd = await imageWith({ config: ({ rootfs }) => rootfs.type = "tree" });
    assertEquals(await problemsOf(validateImage(odd.image)), ["config: rootfs.type is tree where layers was promised"]);
  });

  it("finds a layer whose content has another diff id", async () => {
    const { image } = await imageWith({ config: ({ rootfs }) => rootfs.diff_ids[1] = OTHER });
    const { layers } = await image.manifest();
    assertEquals(await problemsOf(validateImage(image)), [
      `layer 2 of 2 (${layers[1].digest}): the diff id is ${await digestBytes(TARS[1])} where ${OTHER} was promised`,
    ]);
  });

  it("finds a layer that is missing", async () => {
    const { source, image } = await imageWith({});
    const { layers } = await image.manifest();
    source.blobs.delete(layers[0].digest);
    const [problem, ...others] = await problemsOf(validateImage(image));
    assertStringIncludes(problem, `layer 1 of 2 (${layers[0].digest}): there is no`);
    assertEquals(others, []);
  });

  it("finds a layer with other bytes, whether they can be decompressed or not", async () => {
    const good = new Uint8Array(gzipSync(await tarOf({ a: "other" })));
    for (
      const spoil of [
        () => good,
        (bytes: Bytes) => bytes.with(bytes.length >> 1, 0),
        (bytes: Bytes) => bytes.slice(0, -9),
      ]
    ) {
      const { source, image } = await imageWith({ layers: [TARS[1]] });
      const { layers: [{ digest }] } = await image.manifest();
      source.blobs.set(digest, spoil(source.blobs.get(digest)!));
      const problems = (await problemsOf(validateImage(image))).join("; ");
      assert(/has the digest sha256:\w+ where|has \d+ bytes where/.test(problems), problems);
    }
  });

  it("finds a size that is not the layer's", async () => {
    for (const difference of [-1, 1]) {
      const { image } = await imageWith({ manifest: ({ layers }) => layers[1].size += difference });
      const problems = await problemsOf(validateImage(image));
      assertEquals(problems.length, 1);
      assertStringIncludes(problems[0], "layer 2 of 2");
    }
  });

  it("finds compressed data that is right by its digest but not whole", async () => {
    const gzip = new Uint8Array(gzipSync(TARS[1]));
    const cut = await imageOfLayer(gzip.slice(0, -10), TARS[1]);
    const error = await assertRejects(
      () => validateImage(cut),
      ValidationError,
      "the gzip data is corrupt or ends early",
    );
    assertInstanceOf(error.cause, CompressionError);
    assertEquals(error.message.split("; ").length, 1);
    await assertRejects(
      async () => validateImage(await imageOfLayer(gzip.with(gzip.length >> 1, 0), TARS[1])),
      ValidationError,
      "the gzip data is corrupt",
    );
  });

  it("finds a tar that ends early, is corrupt, or names a file twice", async () => {
    const twice = await collect(
      writeTar([{ path: "x", content: bytesOf("1") }, { path: "y" }, { path: "x" }, { path: "x" }]),
    );
    const cases: [string, Bytes][] = [
      ["tar archive ends at offset 100000", TARS[1].slice(0, 100_000)],
      ["has the checksum", TARS[0].with(3, 1)],
      ['the entry "x" occurs twice', twice],
    ];
    for (const [message, tar] of cases) {
      for (const stored of [tar, new Uint8Array(gzipSync(tar))]) {
        const problems = await problemsOf(validateImage(await imageOfLayer(stored, tar)));
        assertEquals(problems.length, 1);
        assertStringIncludes(problems[0], message);
      }
    }
    const text = bytesOf("this is not a tar\n".repeat(100));
    assertEquals((await problemsOf(validateImage(await imageOfLayer(text, text)))).length, 1);
  });

  it("takes bytes after the end of the tar, which belong to the diff id", async () => {
    const padded = new Uint8Array(TARS[0].length + 10_240);
    padded.set(TARS[0]);
    await validateImage(await imageOfLayer(new Uint8Array(gzipSync(padded)), padded));
    await validateImage(await imageOfLayer(new Uint8Array(0), new Uint8Array(0)));
  });

  it("lists all that is wrong", async () => {
    const { source, image } = await imageWith({ config: ({ rootfs }) => rootfs.diff_ids = [OTHER, OTHER] });
    const { layers } = await image.manifest();
    source.blobs.delete(layers[1].digest);
    const problems = await problemsOf(validateImage(image));
    assertEquals(problems.length, 2);
    assertStringIncludes(problems[0], "layer 1 of 2");
    assertStringIncludes(problems[1], "layer 2 of 2");
  });

  it("reads no layer when it should be fast, but still looks at the rest", async () => {
    const { source, image } = await imageWith({});
    await validateImage(image, { fast: true });
    assertEquals(source.opened, [await image.configName()]);
    const few = await imageWith({ config: ({ rootfs }) => rootfs.diff_ids.pop() });
    await assertRejects(() => validateImage(few.image, { fast: true }), ValidationError, "1 diff ids");
  });

  it("reads each layer once, a bounded number at the same time", async () => {
    const layers = await Promise.all([2, 3, 4, 5, 6, 7].map((seed) => bigTar(seed)));
    for (const [concurrency, most] of [[undefined, 4], [1, 1], [2, 2]] as const) {
      const { source, image } = await imageWith({ layers: [...layers, layers[0]] });
      await image.configFile();
      source.opened.length = source.streams.most = 0;
      await validateImage(image, { concurrency });
      assertEquals(source.opened.length, layers.length);
      assertLessOrEqual(source.streams.most, most);
      assertEquals(source.streams.open, 0);
    }
  });

  it("checks the blobs of an artifact, whatever is in them", async () => {
    const source = new MemorySource();
    const blobs = [
      await source.add(bytesOf("text"), "text/plain"),
      await source.add(bytesOf("no tar"), MediaType.OciLayer),
    ];
    const empty = await source.add(bytesOf("{}"), MediaType.OciEmpty);
    const descriptor = await source.addImage({
      layers: [],
      manifest: (manifest) => Object.assign(manifest, { config: empty, layers: blobs }),
    });
    await validateImage(source.image(descriptor));
    source.blobs.set(blobs[0].digest, bytesOf("tixt"));
    await assertRejects(() => validateImage(source.image(descriptor)), ValidationError, "layer 1 of 2");
  });

  it("takes attestations, which have diff ids but no tars", async () => {
    const source = new MemorySource();
    const statement = bytesOf('{"_type":"statement"}');
    const zipped = new Uint8Array(gzipSync(statement));
    const layers = [await source.add(statement, "application/vnd.in-toto+json"), await source.add(zipped, "text/x")];
    const diffIds = layers.map(({ digest }) => digest);
    const parts: ImageParts = {
      layers: [],
      config: (config) => config.rootfs.diff_ids = diffIds,
      manifest: (manifest) => manifest.layers = layers,
    };
    await validateImage(source.image(await source.addImage(parts)));
    await validateImage(source.image(await source.addImage({ ...parts, config: (config) => delete config.rootfs })));
    diffIds[0] = OTHER;
    const wrong = source.image(await source.addImage(parts));
    await assertRejects(() => validateImage(wrong), ValidationError, "the diff id is");
  });

  it("does without the content of a layer that may not be distributed", async () => {
    const { source, image } = await imageWith({
      manifest: ({ layers }) => layers[0].mediaType = MediaType.DockerForeignLayer,
    });
    const { layers } = await image.manifest();
    await validateImage(image);
    source.blobs.delete(layers[0].digest);
    await validateImage(image);
    source.blobs.set(layers[0].digest, bytesOf("other"));
    await assertRejects(() => validateImage(image), ValidationError, "layer 1 of 2");
  });

  it("does not trust a view that does not check itself", async () => {
    const { image } = await imageWith({ layers: [TARS[0]] });
    const [layer] = await image.layers();
    const other = new Uint8Array(gzipSync(TARS[1]));
    const careless: Layer = { ...layer, compressed: () => Promise.resolve(streamOf(other)) };
    const problems = await problemsOf(validateImage({ ...image, layers: () => Promise.resolve([careless]) }));
    assertEquals(problems.length, 3);
    for (const [i, name] of ["the digest is", "the size is", "the diff id is"].entries()) {
      assertStringIncludes(problems[i], name);
    }
    const lying: Layer = { ...layer, digest: () => Promise.resolve(OTHER), mediaType: () => Promise.resolve("x") };
    const lies = await problemsOf(validateImage({ ...image, layers: () => Promise.resolve([lying]) }));
    assertStringIncludes(lies[0], `the digest is ${OTHER}`);
    assertStringIncludes(lies[1], "the media type is x");
    const fewer = await problemsOf(validateImage({ ...image, layers: () => Promise.resolve([]) }));
    assertStringIncludes(fewer[0], "the view has 0 of them where the manifest has 1");
  });

  it("ends on an abort with its reason, and leaves nothing open", async () => {
    const { source, image } = await imageWith({ layers: await Promise.all([2, 3].map((seed) => bigTar(seed))) });
    const controller = new AbortController();
    const open = source.open.bind(source);
    source.open = async (descriptor) => {
      const stream = await open(descriptor);
      if (descriptor.mediaType === MediaType.OciLayerGzip) controller.abort(new Error("enough"));
      return stream;
    };
    await assertRejects(() => validateImage(image, { signal: controller.signal }), Error, "enough");
    assertEquals(source.streams.open, 0);
    const aborted = AbortSignal.abort(new Error("before"));
    await assertRejects(() => validateImage(image, { signal: aborted }), Error, "before");
  });
});

describe("validateLayer", () => {
  it("finds nothing wrong with a good layer", async () => {
    for (const compression of ["none", "gzip", "zstd"] as const) {
      await validateLayer(await layerFromBytes(TARS[0], { compression }));
    }
    await validateLayer(await staticLayer(bytesOf("text"), "text/plain"));
    await validateLayer(await layerFromBytes(TARS[0]), { fast: true });
  });

  it("finds what is wrong with the content, unless it should be fast", async () => {
    const cut = TARS[1].slice(0, 100_000);
    for (const layer of [await layerFromBytes(cut), await layerFromBytes(new Uint8Array(gzipSync(cut)))]) {
      await assertRejects(() => validateLayer(layer), ValidationError, "the layer: tar archive ends at offset 100000");
      await validateLayer(layer, { fast: true });
    }
    const good = await layerFromBytes(new Uint8Array(gzipSync(TARS[0])));
    const lying: Layer = { ...good, diffId: () => Promise.resolve(OTHER) };
    await assertRejects(() => validateLayer(lying), ValidationError, `the layer: the diff id is`);
    const vain: Layer = { ...good, size: () => Promise.resolve(1) };
    await assertRejects(() => validateLayer(vain, { fast: true }), ValidationError, "the layer: the size is 1 where");
  });

  it("knows digests of sha512", async () => {
    const gzip = new Uint8Array(gzipSync(TARS[0]));
    const good = await layerFromBytes(gzip);
    const digest = await digestBytes(gzip, "sha512");
    const diffId = await digestBytes(TARS[0], "sha512");
    const layer: Layer = {
      ...good,
      descriptor: async () => ({ ...await good.descriptor(), digest }),
      diffId: () => Promise.resolve(diffId),
    };
    await validateLayer(layer);
    const wrong: Layer = { ...layer, diffId: () => Promise.resolve(`sha512:${"0".repeat(128)}` as const) };
    await assertRejects(() => validateLayer(wrong), ValidationError, diffId);
  });

  it("does not use up a streaming layer", async () => {
    const layer = streamLayer(streamOf(TARS[0]));
    await assertRejects(() => validateLayer(layer), ValidationError, "not known before it was read");
    assertEquals(await collect(await layer.uncompressed()), TARS[0]);
  });
});

describe("validateIndex", () => {
  async function example(change?: (index: Json) => void) {
    const source = new MemorySource();
    const [amd64, arm64] = [parsePlatform("linux/amd64"), parsePlatform("linux/arm64/v8")];
    const one: Descriptor = { ...await source.addImage({ layers: [TARS[0]], platform: amd64 }), platform: amd64 };
    const other: Descriptor = { ...await source.addImage({ layers: TARS, platform: arm64 }), platform: arm64 };
    const blob = await source.add(bytesOf("text"), "text/plain");
    const nested = await source.addIndex([other]);
    const descriptor = await source.addIndex([one, nested, blob], change);
    return { source, one, other, nested, blob, index: source.index(descriptor) };
  }

  it("finds nothing wrong with a good index", async () => {
    await validateIndex((await example()).index);
    await validateIndex(emptyIndex());
  });

  it("reads what members share once", async () => {
    const { source, index, blob, one, other } = await example();
    await validateIndex(index);
    const layers = [await source.image(one).manifest(), await source.image(other).manifest()]
      .flatMap((manifest) => manifest.layers.map(({ digest }) => digest));
    const blobs = new Set([...layers, blob.digest]);
    assertEquals(source.opened.filter((digest) => blobs.has(digest)).sort(), [...blobs].sort());
  });

  it("reads no blobs when it should be fast", async () => {
    const { source, index, blob } = await example();
    source.blobs.set(blob.digest, bytesOf("tixt"));
    await validateIndex(index, { fast: true });
    await assertRejects(() => validateIndex(index), ValidationError, blob.digest);
  });

  it("finds a member that is not what the index says", async () => {
    const sized = await example(({ manifests }) => manifests[0] = { ...manifests[0], size: 5 });
    assertStringIncludes((await problemsOf(validateIndex(sized.index)))[0], "the manifest's size is");
    const typed = await example(({ manifests }) =>
      manifests[0] = { ...manifests[0], mediaType: MediaType.DockerManifestSchema2 }
    );
    assertEquals(await problemsOf(validateIndex(typed.index)), [
      `linux/amd64 (${typed.one.digest}): the media type is ${MediaType.OciManifest} where ` +
      `${MediaType.DockerManifestSchema2} was promised`,
    ]);
  });

  it("finds a platform that is not in the config", async () => {
    for (
      const [platform, good] of [
        ["linux/amd64", true],
        ["linux/amd64/v2", true],
        ["linux/arm64", false],
        ["windows/amd64", false],
        ["unknown/unknown", true],
      ] as const
    ) {
      const { index } = await example(({ manifests }) =>
        manifests[0] = { ...manifests[0], platform: parsePlatform(platform) }
      );
      if (good) await validateIndex(index);
      else {
        const [problem] = await problemsOf(validateIndex(index));
        assertStringIncludes(problem, `config: the platform is linux/amd64 where ${platform} was promised`);
      }
    }
  });

  it("finds a variant that is not in the config", async () => {
    const source = new MemorySource();
    const image = await source.addImage({ layers: [], platform: parsePlatform("linux/arm/v7") });
    const index = source.index(await source.addIndex([{ ...image, platform: parsePlatform("linux/arm/v6") }]));
    const [problem] = await problemsOf(validateIndex(index));
    assertStringIncludes(problem, "the platform is linux/arm/v7 where linux/arm/v6 was promised");
  });

  it("finds what is wrong further down, and says where", async () => {
    const { source, index, nested, other } = await example();
    const { layers } = await source.image(other).manifest();
    source.blobs.delete(layers[1].digest);
    const [problem] = await problemsOf(validateIndex(index));
    assertStringIncludes(
      problem,
      `${nested.digest}: linux/arm64/v8 (${other.digest}): layer 2 of 2 (${layers[1].digest})`,
    );
  });

  it("finds a member that is missing or no manifest, and says so once", async () => {
    for (const bytes of [undefined, bytesOf("<html>")]) {
      const { source, index, one, nested } = await example();
      for (const { digest } of [one, nested]) {
        if (bytes) source.blobs.set(digest, bytes);
        else source.blobs.delete(digest);
      }
      const problems = await problemsOf(validateIndex(index));
      assertEquals(problems.length, 2);
      assertStringIncludes(problems[0], `linux/amd64 (${one.digest}): manifest: `);
      assertStringIncludes(problems[1], `${nested.digest}: index: `);
    }
  });

  it("does not go down without end, nor the same way twice", async () => {
    const source = new MemorySource();
    let descriptor = await source.addIndex([]);
    for (let i = 0; i < 12; i++) descriptor = await source.addIndex([descriptor, descriptor], (index) => index.i = i);
    await validateIndex(source.index(descriptor));
    for (let i = 0; i < 6; i++) descriptor = await source.addIndex([descriptor], (index) => index.i = i);
    await assertRejects(() => validateIndex(source.index(descriptor)), ValidationError, "nested more than 16 deep");
  });
});
