import { describe, it } from "node:test";
import { assertEquals, assertNotEquals } from "@std/assert";
import { validateImage } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { annotate, annotateBase } from "../../src/mutate/mod.ts";
import { MediaType, parseManifest } from "../../src/spec/mod.ts";
import { type Json, MemorySource, tarOf } from "../make/memory_source.ts";
import { utf8 } from "../make/bytes.ts";

/** An image in memory, its manifest changed, and the source that notes what is opened. */
async function baseImage(change: (manifest: Json, source: MemorySource) => void = () => {}) {
  const source = new MemorySource();
  const manifest = (json: Json) => change(json, source);
  const descriptor = await source.addImage({ layers: [await tarOf({ a: "1" })], manifest });
  const { mediaType } = parseManifest(source.blobs.get(descriptor.digest)!);
  return { source, base: source.image({ ...descriptor, mediaType: mediaType! }) };
}

describe("annotate", () => {
  it("adds to what the manifest has, and changes nothing else in it", async () => {
    const { source, base } = await baseImage((manifest, source) => {
      manifest.mediaType = MediaType.DockerManifestSchema2;
      manifest.config.mediaType = MediaType.DockerConfigJson;
      manifest.config.data = btoa(String.fromCharCode(...source.blobs.get(manifest.config.digest)!));
      manifest.config.annotations = { of: "the config" };
      manifest.layers[0].annotations = { of: "a layer" };
      manifest.annotations = { kept: "1", replaced: "1" };
      manifest.ownField = true;
    });
    const image = annotate(base, { replaced: "2", added: "3" });
    const expected = { ...await base.manifest(), annotations: { kept: "1", replaced: "2", added: "3" } };
    assertEquals(parseManifest(await image.rawManifest()), expected);
    assertEquals(source.opened, []);
    assertNotEquals(await image.digest(), await base.digest());
    assertEquals((await base.manifest()).annotations, { kept: "1", replaced: "1" });
    await validateImage(image);
  });

  it("keeps an artifact's config to the byte", async () => {
    const config = utf8("not JSON");
    const digest = await digestBytes(config);
    const { base } = await baseImage((manifest, source) => {
      manifest.config = { mediaType: "application/x-config", digest, size: config.length };
      source.blobs.set(digest, config);
      manifest.layers = [];
    });
    const image = annotate(base, { a: "b" });
    assertEquals(await image.rawConfigFile(), config);
    assertEquals((await image.manifest()).config, (await base.manifest()).config);
    await validateImage(image);
  });
});

describe("annotateBase", () => {
  it("names what the image is based on, by digest alone where there is no tag", async () => {
    const { base } = await baseImage();
    const digest = await base.digest();
    const named = annotateBase(base, { name: "example.com/base:1", digest });
    assertEquals((await named.manifest()).annotations, {
      "org.opencontainers.image.base.digest": digest,
      "org.opencontainers.image.base.name": "example.com/base:1",
    });
    const unnamed = annotateBase(base, { digest });
    assertEquals((await unnamed.manifest()).annotations, { "org.opencontainers.image.base.digest": digest });
  });
});
