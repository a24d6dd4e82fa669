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
  type Image,
  type Layer,
  layerFromBytes,
  staticLayer,
  streamLayer,
  validateImage,
  validateLayer,
} from "../../src/image/mod.ts";
import { digestBytes, streamOf } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { writeTar } from "../../src/tar/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { collect } from "../make/streams.ts";
import { bigTar, MemorySource, tarOf } from "../make/memory_source.ts";
import { imageWith, OTHER, problemsOf, TARS } from "./validation.ts";

/** Creates an image with these bytes as its only layer, under their digest, and with the diff id of `content`. */
async function imageOfLayer(stored: Bytes, content: Bytes, mediaType: string = MediaType.OciLayerGzip): Promise<Image> {
  const source = new MemorySource();
  const layer = await source.add(stored, mediaType);
  return source.image(await source.addImage({ layers: [content], manifest: (manifest) => manifest.layers = [layer] }));
}

describe("validateImage on the layers", () => {
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
      writeTar([{ path: "x", content: utf8("1") }, { path: "y" }, { path: "x" }, { path: "x" }]),
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
    const text = utf8("this is not a tar\n".repeat(100));
    assertEquals((await problemsOf(validateImage(await imageOfLayer(text, text)))).length, 1);
  });

  it("finds a layer that is compressed in another way than its media type has it", async () => {
    for (
      const [compression, mediaType, promised] of [
        ["zstd", MediaType.OciLayerGzip, "gzip"],
        ["zstd", MediaType.DockerLayer, "gzip"],
        ["gzip", MediaType.OciLayerZstd, "zstd"],
        ["gzip", MediaType.DockerUncompressedLayer, "none"],
      ] as const
    ) {
      const { image } = await imageWith({
        compression,
        manifest: ({ layers }) => layers[1].mediaType = mediaType,
      });
      const [problem, ...others] = await problemsOf(validateImage(image));
      assertStringIncludes(problem, `the compression is ${compression} where ${promised} was promised`);
      assertStringIncludes(problem, "layer 2 of 2");
      assertEquals(others, []);
    }
  });

  it("takes bytes after the end of the tar, which belong to the diff id", async () => {
    const padded = new Uint8Array(TARS[0].length + 10_240);
    padded.set(TARS[0]);
    await validateImage(await imageOfLayer(new Uint8Array(gzipSync(padded)), padded));
    await validateImage(await imageOfLayer(new Uint8Array(0), new Uint8Array(0)));
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

  it("does without the content of a layer that may not be distributed", async () => {
    const { source, image } = await imageWith({
      manifest: ({ layers }) => layers[0].mediaType = MediaType.DockerForeignLayer,
    });
    const { layers } = await image.manifest();
    await validateImage(image);
    source.blobs.delete(layers[0].digest);
    await validateImage(image);
    source.blobs.set(layers[0].digest, utf8("other"));
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
});

describe("validateLayer", () => {
  it("finds nothing wrong with a good layer", async () => {
    for (const compression of ["none", "gzip", "zstd"] as const) {
      await validateLayer(await layerFromBytes(TARS[0], { compression }));
    }
    await validateLayer(await staticLayer(utf8("text"), "text/plain"));
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
