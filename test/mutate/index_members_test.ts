import { describe, it } from "node:test";
import { assert, assertEquals, assertNotEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { NotFoundError, StreamLayerError } from "../../src/errors.ts";
import {
  emptyImage,
  emptyIndex,
  type Image,
  type ImageIndex,
  matchPlatforms,
  staticLayer,
  streamLayer,
  validateIndex,
} from "../../src/image/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import {
  appendLayers,
  appendManifests,
  changeImage,
  changeIndex,
  editIndex,
  flattenImage,
  matchAttestations,
  removeManifests,
} from "../../src/mutate/mod.ts";
import { indexManifestBytes } from "../../src/spec/internal.ts";
import { MediaType, type Platform } from "../../src/spec/mod.ts";
import { type Json, MemorySource, tarOf } from "../make/memory_source.ts";
import { utf8 } from "../make/bytes.ts";
import { collect } from "../make/streams.ts";
import { AMD64, ARM64, baseImage, imageIn, OCI, platformIndex, sentIndex, spaced, unread } from "./edit_bases.ts";

const LIST = MediaType.DockerManifestList;

describe("appendManifests", () => {
  it("puts members at the end, and keeps the others and what the index says", async () => {
    const { source, index } = await platformIndex();
    const image = await imageIn(source, { layers: [await tarOf({ new: "1" })], platform: ARM64 });
    const nested = source.index(await source.addIndex([await image.descriptor()]));
    const appended = appendManifests(index, [image, nested]);
    const before = await index.manifest() as Json;
    assertEquals(await sentIndex(appended) as Json, {
      ...before,
      manifests: [...before.manifests, { ...await image.descriptor(), platform: ARM64 }, await nested.descriptor()],
    });
    const kinds = (await appended.children()).map(({ view }) => view.kind);
    assertEquals(kinds, ["image", "image", "image", "index", "image", "index"]);
    assertEquals((await index.manifest()) as Json, before);
    await validateIndex(appended);
  });

  it("gives the base itself where nothing is appended, and repeats itself", async () => {
    const { index } = await platformIndex();
    assertStrictEquals(appendManifests(index, []), index);
    const { base } = await baseImage();
    const twice = appendManifests(appendManifests(emptyIndex(), [base]), [base]);
    assertEquals(await twice.digest(), await appendManifests(emptyIndex(), [base, base]).digest());
    assertEquals((await twice.children()).length, 2);
    await validateIndex(twice);
  });

  it("takes the platform from who says it, from the index that it came from, or from the config", async () => {
    const source = new MemorySource();
    const config = await imageIn(source, { platform: ARM64 });
    const told: Platform = { ...AMD64, "os.features": ["x"] };
    const fromIndex = source.image({ ...await config.descriptor(), platform: told, annotations: { a: "1" } });
    const nameless = changeImage(config, { platform: null });
    const artifact = await imageIn(source, {
      layers: [],
      manifest: (json) => json.config.mediaType = "application/x-config",
    });
    const member = config;
    const said: Platform = { os: "plan9", architecture: "mips" };
    const index = appendManifests(emptyIndex(), [
      config,
      fromIndex,
      nameless,
      artifact,
      { member, platform: said },
      { member, platform: null },
      { member: fromIndex, platform: null },
    ]);
    const { manifests } = await sentIndex(index);
    assertEquals(manifests.map(({ platform }) => platform), [
      ARM64,
      told,
      undefined,
      undefined,
      said,
      undefined,
      undefined,
    ]);
    assertEquals(manifests[1].annotations, { a: "1" });
    assertEquals(manifests.map(({ artifactType }) => artifactType).filter(Boolean), ["application/x-config"]);
  });

  it("says of a member what it is told to", async () => {
    const { base } = await baseImage();
    const annotations = { a: "1" };
    const urls = ["https://example.com/manifest"];
    const index = appendManifests(emptyIndex(), [{ member: base, annotations, urls }]);
    assertEquals((await sentIndex(index)).manifests, [{
      ...await base.descriptor(),
      platform: AMD64,
      annotations,
      urls,
    }]);
  });

  it("takes blobs of other types, but no manifest as a blob", async () => {
    const blob = await staticLayer(utf8("blob"), "application/x-blob");
    const index = appendManifests(emptyIndex(), [{ member: blob, annotations: { a: "1" } }]);
    assertEquals((await sentIndex(index)).manifests, [{ ...await blob.descriptor(), annotations: { a: "1" } }]);
    assertStrictEquals((await index.children())[0].view, blob);
    await validateIndex(index);
    const manifest = await staticLayer(utf8("{}"), OCI);
    await assertRejects(() => appendManifests(emptyIndex(), [manifest]).digest(), TypeError, OCI);
  });

  it("takes a descriptor alone, for who has the content", async () => {
    const { base } = await baseImage();
    const own = await base.descriptor();
    for (const mediaType of [OCI, MediaType.OciImageIndex, "application/x-own"]) {
      const descriptor = { ...own, mediaType };
      const index = appendManifests(emptyIndex(), [{ member: descriptor, platform: ARM64 }, descriptor]);
      assertEquals((await sentIndex(index)).manifests, [{ ...descriptor, platform: ARM64 }, descriptor]);
      assert(await index.digestKnown());
      const [{ view }] = await index.children();
      assertEquals(await view.digest(), own.digest);
      assertEquals(await view.mediaType(), mediaType);
      const read = () => view.kind === "layer" ? view.compressed() : view.rawManifest();
      const error = await assertRejects(read, NotFoundError, own.digest);
      assert(error.hint);
    }
  });

  it("reads nothing before somebody asks, and then no layer", async () => {
    appendManifests(unread<ImageIndex>("index"), [unread<Image>("image"), { member: unread<ImageIndex>("index") }]);
    const { source, base } = await baseImage();
    await appendManifests(emptyIndex(), [base, changeImage(base, { labels: { a: "b" } })]).digest();
    const config = (await base.manifest()).config.digest;
    assertEquals(new Set(source.opened), new Set([config]));
  });
});

describe("whether an index knows its digest", () => {
  it("is for its members to say, and learnt when they are", async () => {
    const { base } = await baseImage();
    const flat = flattenImage(base);
    const index = appendManifests(emptyIndex(), [base, flat]);
    assertEquals(await index.digestKnown(), false);
    assertEquals(await appendManifests(index, [base]).digestKnown(), false);
    const [layer] = await flat.layers();
    await collect(await layer.compressed());
    assertEquals(await index.digestKnown(), true);
    assertEquals(await appendManifests(index, [base]).digestKnown(), true);
    await validateIndex(index);
  });

  it("waits for a stream, without a try to read it", async () => {
    const image = appendLayers(emptyImage({ platform: AMD64 }), [streamLayer(streamOf(await tarOf({ a: "1" })))]);
    const index = appendManifests(emptyIndex(), [image]);
    assertEquals(await index.digestKnown(), false);
    assertEquals(await index.mediaType(), MediaType.OciImageIndex);
    await assertRejects(() => index.digest(), StreamLayerError);
    await collect(await (await image.layers())[0].compressed());
    assertEquals(await index.digestKnown(), true);
    assertEquals((await sentIndex(index)).manifests[0].digest, await image.digest());
  });
});

describe("removeManifests", () => {
  it("takes away what matches, and nothing else", async () => {
    const { index } = await platformIndex();
    const before = await sentIndex(index) as Json;
    const one = removeManifests(index, (descriptor) => !matchPlatforms(AMD64)(descriptor));
    assertEquals(await sentIndex(one) as Json, { ...before, manifests: [before.manifests[0]] });
    await validateIndex(one);
    const without = removeManifests(index, matchAttestations);
    assertEquals((await sentIndex(without)).manifests, [0, 1, 3].map((i) => before.manifests[i]));
    const none = removeManifests(index, () => true);
    assertEquals(await sentIndex(none) as Json, { ...before, manifests: [] });
    await validateIndex(none);
    assertEquals(await sentIndex(index) as Json, before);
  });

  it("keeps every byte where nothing matches", async () => {
    const source = new MemorySource();
    const member = await source.addImage({ layers: [] });
    const bytes = spaced({ manifests: [member], ownField: 1, schemaVersion: 2 });
    const index = source.index(await source.add(bytes, MediaType.OciImageIndex));
    const kept = removeManifests(index, () => false);
    assertEquals(await kept.rawManifest(), bytes);
    assertEquals(await kept.digest(), await index.digest());
  });

  it("takes back what was appended", async () => {
    const { index } = await platformIndex();
    const { base } = await baseImage();
    const digest = await base.digest();
    const back = removeManifests(appendManifests(index, [base]), (descriptor) => descriptor.digest === digest);
    assertEquals(await back.rawManifest(), indexManifestBytes(await index.manifest()));
  });
});

describe("changeIndex", () => {
  it("sets and takes away annotations, subject, artifact type and media type", async () => {
    const { index } = await platformIndex();
    const subject = { mediaType: OCI, digest: `sha256:${"a".repeat(64)}`, size: 7 } as const;
    const changed = changeIndex(index, {
      annotations: { kept: null, added: "1" },
      subject,
      artifactType: "application/x-a",
      mediaType: LIST,
    });
    const before = await index.manifest() as Json;
    assertEquals(await sentIndex(changed) as Json, {
      ...before,
      mediaType: LIST,
      annotations: { added: "1" },
      subject,
      artifactType: "application/x-a",
    });
    assertEquals(await changed.mediaType(), LIST);
    assertNotEquals(await changed.digest(), await index.digest());
    await validateIndex(changed);
    const back = changeIndex(changed, {
      annotations: { kept: "yes", added: null },
      subject: null,
      artifactType: null,
      mediaType: MediaType.OciImageIndex,
    });
    assertEquals(await back.rawManifest(), indexManifestBytes(await index.manifest()));
  });

  it("changes nothing where nothing is said", async () => {
    const { index } = await platformIndex();
    assertStrictEquals(changeIndex(index, {}), index);
    assertStrictEquals(changeIndex(index, { subject: undefined }), index);
    assertEquals(await changeIndex(index, { annotations: { none: null } }).digest(), await index.digest());
  });

  it("refuses a media type that is not an index's, and reads nothing for it", () => {
    assertThrows(() => changeIndex(unread<ImageIndex>("index"), { mediaType: OCI }), TypeError, OCI);
    assertThrows(() => editIndex(unread<ImageIndex>("index"), { mediaType: "" }), TypeError);
  });
});

describe("editIndex", () => {
  it("orders members anew, and finds them by digest", async () => {
    const { index } = await platformIndex();
    const turned = editIndex(index, { members: (members) => members.toReversed() });
    assertEquals((await sentIndex(turned)).manifests, (await index.manifest()).manifests.toReversed());
    const [nested, , , first] = (await sentIndex(turned)).manifests;
    assertEquals(await (await turned.image(first.digest)).digest(), first.digest);
    assertEquals(await (await turned.index(nested.digest)).digest(), nested.digest);
    await assertRejects(() => turned.image(nested.digest), NotFoundError);
    await validateIndex(turned);
  });

  it("does not let the edit of the manifest touch type and members", async () => {
    const { index } = await platformIndex();
    const lie = { schemaVersion: 7, mediaType: "x/y", manifests: [], own: 1 } as Json;
    const { own, ...manifest } = await sentIndex(editIndex(index, { manifest: () => lie })) as Json;
    const { annotations: _, ownField: __, ...before } = await index.manifest() as Json;
    assertEquals(manifest, before);
    assertEquals(own, 1);
  });

  it("tries again after a member that could not be described", async () => {
    const { base } = await baseImage();
    let fails = true;
    const index = editIndex(emptyIndex(), {
      members: () => [{
        view: base,
        descriptor: () => fails ? Promise.reject(new Error("not now")) : base.descriptor(),
      }],
    });
    await assertRejects(() => index.digest(), Error, "not now");
    fails = false;
    await validateIndex(index);
  });
});
