import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { ManifestError, NotFoundError } from "../../src/errors.ts";
import { emptyImage, emptyIndex, indexFrom } from "../../src/image/mod.ts";
import { type Hash, MediaType } from "../../src/spec/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { MemorySource, tarOf } from "../make/memory_source.ts";

const NOWHERE: Hash = `sha256:${"0".repeat(64)}`;
const TARS = [await tarOf({ a: "1" }), await tarOf({ b: "2" })];

describe("indexFrom", () => {
  async function example() {
    const source = new MemorySource();
    const image = await source.addImage({ layers: TARS });
    const nested = await source.addIndex([image]);
    const blob = await source.add(utf8("text"), "text/plain");
    const descriptor = await source.addIndex([image, nested, blob]);
    return { source, image, nested, blob, descriptor, index: source.index(descriptor) };
  }

  it("makes a member's view when it is asked for, and once while it is in use", async () => {
    const { source, image } = await example();
    let made = 0;
    const never = () => {
      throw new Error("not asked for");
    };
    const index = indexFrom({
      rawManifest: () => Promise.resolve(utf8(JSON.stringify({ schemaVersion: 2, manifests: [image] }))),
      image: (descriptor) => {
        made++;
        return source.image(descriptor);
      },
      index: never,
      blob: never,
    });
    const [child] = await index.children();
    assertEquals(made, 0);
    const { view } = child;
    assertStrictEquals((await index.children())[0].view, view);
    assertStrictEquals(await index.image(image.digest), view);
    assertEquals(made, 1);
  });

  it("derives everything from the manifest", async () => {
    const { source, image, nested, blob, descriptor, index } = await example();
    assertEquals(index.kind, "index");
    assertEquals(await index.digest(), descriptor.digest);
    assertEquals(await index.size(), descriptor.size);
    assertEquals(await index.mediaType(), MediaType.OciImageIndex);
    assertStrictEquals(await index.rawManifest(), source.blobs.get(descriptor.digest));
    assertEquals((await index.manifest()).manifests, [image, nested, blob]);
    const children = await index.children();
    assertEquals(children.map(({ descriptor, view }) => [descriptor, view.kind]), [
      [image, "image"],
      [nested, "index"],
      [blob, "layer"],
    ]);
    assertEquals(await index.members(), children.map(({ view }) => view));
    assertEquals(await (await index.image(image.digest)).digest(), image.digest);
    assertEquals((await (await index.index(nested.digest)).manifest()).manifests, [image]);
  });

  it("gives the members that its core knows before their digests", async () => {
    const members = [emptyImage(), emptyIndex()];
    const unread = () => {
      throw new Error("read");
    };
    const core = { rawManifest: unread, image: unread, index: unread, blob: unread };
    const index = indexFrom({ ...core, members: () => Promise.resolve(members) });
    assertEquals(await index.members(), members);
    await assertRejects(() => index.children(), Error, "read");
  });

  it("says what is not there, or is something else", async () => {
    const { image, nested, blob, index } = await example();
    await assertRejects(
      () => index.image(NOWHERE),
      NotFoundError,
      `the index has no member with the digest ${NOWHERE}`,
    );
    await assertRejects(() => index.image(nested.digest), NotFoundError, "is not an image but");
    await assertRejects(() => index.image(blob.digest), NotFoundError, "text/plain");
    await assertRejects(() => index.index(image.digest), NotFoundError, "is not an index but");
  });

  it("says which index is malformed", async () => {
    const nothing = () => {
      throw new Error("opened");
    };
    const members = { image: nothing, index: nothing, blob: nothing };
    const index = indexFrom({ rawManifest: () => Promise.resolve(utf8("{")), ...members, what: "x" });
    await assertRejects(() => index.children(), ManifestError, "x is not JSON");
  });
});

describe("emptyImage and emptyIndex", () => {
  it("have nothing in them", async () => {
    const image = emptyImage();
    assertEquals(await image.layers(), []);
    assertEquals((await image.configFile()).rootfs.diff_ids, []);
    assertEquals((await image.manifest()).layers, []);
    assertEquals(await image.mediaType(), MediaType.OciManifest);
    const docker = await emptyImage({ mediaType: MediaType.DockerManifestSchema2 }).manifest();
    assertEquals(docker.config.mediaType, MediaType.DockerConfigJson);
    assertEquals(await emptyIndex().children(), []);
    assertEquals((await emptyIndex().manifest()).mediaType, MediaType.OciImageIndex);
    const list = emptyIndex({ mediaType: MediaType.DockerManifestList });
    assertEquals(await list.mediaType(), MediaType.DockerManifestList);
    assertEquals((await list.manifest()).mediaType, MediaType.DockerManifestList);
    await assertRejects(() => list.image(NOWHERE), NotFoundError);
  });
});
