import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { ValidationError } from "../../src/errors.ts";
import { emptyIndex, validateIndex } from "../../src/image/mod.ts";
import { type Descriptor, MediaType, parsePlatform } from "../../src/spec/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { type Json, MemorySource } from "../make/memory_source.ts";
import { problemsOf, TARS } from "./validation.ts";

describe("validateIndex", () => {
  async function example(change?: (index: Json) => void) {
    const source = new MemorySource();
    const [amd64, arm64] = [parsePlatform("linux/amd64"), parsePlatform("linux/arm64/v8")];
    const one: Descriptor = { ...await source.addImage({ layers: [TARS[0]], platform: amd64 }), platform: amd64 };
    const other: Descriptor = { ...await source.addImage({ layers: TARS, platform: arm64 }), platform: arm64 };
    const blob = await source.add(utf8("text"), "text/plain");
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

  it("reads no members of an index with more than it may keep (rule 26)", async () => {
    const source = new MemorySource();
    const member = await source.addImage({ layers: [] });
    const index = source.index(await source.addIndex(Array<Descriptor>(100_001).fill(member)));
    source.opened.length = 0;
    assertEquals(await problemsOf(validateIndex(index)), [
      "index: the members of the index and of those in it: more than the limit of 100000",
    ]);
    assertEquals(source.opened.includes(member.digest), false);
  });

  it("examines the members of a large index", { timeout: 120_000 }, async () => {
    const source = new MemorySource();
    const member = await source.addImage({ layers: [] });
    const index = source.index(await source.addIndex(Array<Descriptor>(10_001).fill(member)));
    source.opened.length = 0;
    await validateIndex(index);
    // The config of each.
    assertEquals(source.opened.length, 10_001);
  });

  it("reads only so many blobs at the same time, over all members", async () => {
    const source = new MemorySource();
    const layers = (i: number) => [0, 1, 2].map((j) => utf8(`image ${i}, layer ${j}`));
    const images = await Promise.all(
      [0, 1, 2, 3].map((i) => source.addImage({ layers: layers(i), config: (config) => config.rootfs.diff_ids = [] })),
    );
    const index = source.index(await source.addIndex(images));
    source.streams.most = 0;
    await assertRejects(() => validateIndex(index, { concurrency: 3 }), ValidationError, "it has 0 diff ids");
    // While one member reads its three layers, two others may read their configs.
    assertEquals([source.streams.open, source.streams.most <= 3 + 2], [0, true]);
  });

  it("reads no blobs when it should be fast", async () => {
    const { source, index, blob } = await example();
    source.blobs.set(blob.digest, utf8("tixt"));
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

  it("finds a platform without a name", async () => {
    const { index } = await example(({ manifests }) =>
      manifests[0] = { ...manifests[0], platform: { os: "", architecture: "" } }
    );
    const [problem] = await problemsOf(validateIndex(index));
    assertStringIncludes(problem, "config: the platform is linux/amd64 where none was promised");
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
    for (const bytes of [undefined, utf8("<html>")]) {
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
