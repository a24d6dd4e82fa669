import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { LimitError, NotFoundError } from "../../src/errors.ts";
import {
  findImages,
  findIndexes,
  findManifests,
  type ImageIndex,
  matchAnnotation,
  matchDigests,
  matchMediaTypes,
  matchName,
  matchPlatforms,
  selectImage,
} from "../../src/image/mod.ts";
import { type Descriptor, MediaType, parsePlatform } from "../../src/spec/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { MemorySource } from "../make/memory_source.ts";

const DESCRIPTOR: Descriptor = {
  mediaType: MediaType.OciManifest,
  digest: `sha256:${"a".repeat(64)}`,
  size: 1,
  platform: parsePlatform("linux/arm64/v8"),
  annotations: { "org.opencontainers.image.ref.name": "v1", kind: "x" },
};
const BARE: Descriptor = { mediaType: "text/plain", digest: `sha256:${"b".repeat(64)}`, size: 1 };

describe("matchers", () => {
  it("match by platform, as far as it is asked for", () => {
    assert(matchPlatforms(parsePlatform("linux/arm64"))(DESCRIPTOR));
    assert(matchPlatforms(parsePlatform("linux/amd64"), parsePlatform("linux/arm64/v8"))(DESCRIPTOR));
    assertFalse(matchPlatforms(parsePlatform("linux/arm64/v9"))(DESCRIPTOR));
    assertFalse(matchPlatforms(parsePlatform("linux/amd64"))(BARE));
    assertFalse(matchPlatforms()(DESCRIPTOR));
    assertFalse(matchPlatforms(parsePlatform("linux"))({ ...BARE, platform: null } as unknown as Descriptor));
  });

  it("match by digest, media type, annotation and name", () => {
    assert(matchDigests(BARE.digest, DESCRIPTOR.digest)(DESCRIPTOR));
    assertFalse(matchDigests(BARE.digest)(DESCRIPTOR));
    assert(matchMediaTypes(MediaType.OciManifest, "x")(DESCRIPTOR));
    assertFalse(matchMediaTypes("x")(DESCRIPTOR));
    assert(matchAnnotation("kind", "x")(DESCRIPTOR));
    assertFalse(matchAnnotation("kind", "y")(DESCRIPTOR));
    assertFalse(matchAnnotation("kind", "x")(BARE));
    assert(matchName("v1")(DESCRIPTOR));
    assertFalse(matchName("v2")(DESCRIPTOR));
    assertFalse(matchName("v1")({ ...BARE, annotations: null } as unknown as Descriptor));
  });
});

/** An index of images for platforms, by their names; a list is a nested index. */
async function indexOf(source: MemorySource, members: readonly unknown[]): Promise<Descriptor> {
  const descriptors: Descriptor[] = [];
  for (const member of members) {
    if (Array.isArray(member)) {
      descriptors.push(await indexOf(source, member));
      continue;
    }
    const name = String(member);
    const image = await source.addImage({ layers: [], config: (config) => config.author = name });
    descriptors.push(name.includes("/") ? { ...image, platform: parsePlatform(name) } : image);
  }
  return await source.addIndex(descriptors);
}

async function view(...members: readonly unknown[]): Promise<ImageIndex> {
  const source = new MemorySource();
  return source.index(await indexOf(source, members));
}

describe("finding", () => {
  it("gives the index's own members that match, in order", async () => {
    const source = new MemorySource();
    const index = source.index(
      await source.addIndex([
        await indexOf(source, ["linux/amd64"]),
        ...(await source.index(await indexOf(source, ["linux/arm64", "windows/amd64"])).manifest()).manifests,
        await source.add(utf8("text"), "text/plain"),
      ]),
    );
    const any = () => true;
    assertEquals(await findManifests(index, any), [...(await index.manifest()).manifests]);
    assertEquals((await findManifests(index, matchPlatforms(parsePlatform("windows")))).length, 1);
    assertEquals((await findImages(index, any)).length, 2);
    const [windows] = await findImages(index, matchPlatforms(parsePlatform("windows/amd64")));
    assertEquals((await windows.configFile()).author, "windows/amd64");
    assertEquals((await findIndexes(index, any)).length, 1);
    assertEquals(await findIndexes(index, matchMediaTypes("text/plain")), []);
  });
});

describe("selectImage", () => {
  async function selected(index: ImageIndex, platform: string): Promise<unknown> {
    return (await (await selectImage(index, parsePlatform(platform))).configFile()).author;
  }

  it("takes the first that has what is asked for", async () => {
    const index = await view("linux/arm/v6", "linux/arm/v7", "windows/amd64:10.0.1", "linux/amd64");
    assertEquals(await selected(index, "linux/arm"), "linux/arm/v6");
    assertEquals(await selected(index, "linux/arm/v7"), "linux/arm/v7");
    assertEquals(await selected(index, "windows/amd64"), "windows/amd64:10.0.1");
    assertEquals(await selected(index, "linux/amd64"), "linux/amd64");
    assertEquals(await selected(index, "/amd64"), "windows/amd64:10.0.1");
  });

  it("takes an image without a platform for linux/amd64", async () => {
    assertEquals(await selected(await view("linux/arm64", "unsaid"), "linux/amd64"), "unsaid");
    await assertRejects(async () => selected(await view("unsaid"), "linux/arm64"), NotFoundError, "it has linux/amd64");
  });

  it("looks into indexes when none of the images beside them will do", async () => {
    const index = await view(["linux/arm64", "linux/amd64"], ["linux/s390x", ["linux/riscv64"]], "linux/amd64");
    assertEquals(await selected(index, "linux/arm64"), "linux/arm64");
    assertEquals(await selected(index, "linux/s390x"), "linux/s390x");
    assertEquals(await selected(index, "linux/riscv64"), "linux/riscv64");
  });

  it("does not look into indexes when it need not", async () => {
    const source = new MemorySource();
    const nested = await source.addIndex([]);
    const { manifests: [image] } = await source.index(await indexOf(source, ["linux/amd64"])).manifest();
    const index = source.index(await source.addIndex([nested, image]));
    source.blobs.delete(nested.digest);
    assertEquals(await selected(index, "linux/amd64"), "linux/amd64");
    await assertRejects(() => selected(index, "linux/arm64"), NotFoundError, "there is no");
  });

  it("says which platforms there are, and what to do", async () => {
    const index = await view("linux/arm64/v8", "unknown/unknown", ["windows/amd64:10.0.1", "linux/arm64/v8"]);
    const error = await assertRejects(() => selected(index, "linux/amd64"), NotFoundError);
    assertEquals(
      error.message,
      `index ${await index.digest()} has no image for linux/amd64; it has linux/arm64/v8, windows/amd64:10.0.1`,
    );
    assertEquals(error.hint, "choose one of its platforms with --platform");
    const empty = await assertRejects(
      async () => selected(await view(), "linux/amd64"),
      NotFoundError,
      "it has no images",
    );
    assertEquals(empty.hint, undefined);
  });

  it("looks at an index once, and not without end", async () => {
    const source = new MemorySource();
    let descriptor = await source.addIndex([]);
    for (let i = 0; i < 12; i++) descriptor = await source.addIndex([descriptor, descriptor], (index) => index.i = i);
    let looks = 0;
    const counting = new Proxy(source.blobs, {
      get: (blobs, name) => {
        if (name === "get") looks++;
        const value = Reflect.get(blobs, name);
        return typeof value === "function" ? value.bind(blobs) : value;
      },
    });
    Object.assign(source, { blobs: counting });
    await assertRejects(() => selected(source.index(descriptor), "linux/amd64"), NotFoundError, "it has no images");
    assertEquals(looks, 13);
    for (let i = 0; i < 6; i++) descriptor = await source.addIndex([descriptor], (index) => index.i = i);
    await assertRejects(
      () => selected(source.index(descriptor), "linux/amd64"),
      LimitError,
      "nested more than 16 deep",
    );
  });
});
