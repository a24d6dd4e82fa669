import { describe, it } from "node:test";
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { ManifestError } from "../../src/errors.ts";
import { type Image, type ImageIndex, selectImage, validateIndex } from "../../src/image/mod.ts";
import {
  appendManifests,
  changeImage,
  changeIndex,
  flattenImage,
  mapIndex,
  matchAttestations,
  removeManifests,
} from "../../src/mutate/mod.ts";
import { type Descriptor, MediaType } from "../../src/spec/mod.ts";
import type { Json } from "../make/memory_source.ts";
import { collect } from "../make/streams.ts";
import { AMD64, ARM64, DOCKER, platformIndex, sentConfig, sentIndex, unread } from "./edit_bases.ts";

const LABEL = { labels: { everywhere: "yes" } };
const labelled = (image: Image) => changeImage(image, LABEL);

/** All images of an index and of those inside it, in order. */
async function imagesOf(index: ImageIndex): Promise<{ descriptor: Descriptor; view: Image }[]> {
  const found = await Promise.all((await index.children()).map(async (child) => {
    if (child.view.kind === "index") return await imagesOf(child.view);
    return child.view.kind === "image" ? [{ descriptor: child.descriptor, view: child.view }] : [];
  }));
  return found.flat();
}

describe("mapIndex", () => {
  it("does the same to every platform, nested ones too, and describes them anew", async () => {
    const { index } = await platformIndex();
    const mapped = mapIndex(index, labelled);
    const [before, after] = [await imagesOf(index), await imagesOf(mapped)];
    const labels = await Promise.all(after.map(async ({ view }) => (await sentConfig(view)).config?.Labels));
    assertEquals(labels, [LABEL.labels, LABEL.labels, undefined, LABEL.labels]);
    for (const [i, { descriptor, view }] of after.entries()) {
      const { digest, size, annotations: _, ...said } = descriptor;
      assertEquals([digest, size], [await view.digest(), await view.size()]);
      const { digest: old, size: __, annotations: ___, ...wasSaid } = before[i].descriptor;
      assertEquals(said, wasSaid);
      assertEquals(digest === old, labels[i] === undefined);
    }
    const { manifests: _, ...rest } = await sentIndex(mapped);
    const { manifests: __, ...restBefore } = await index.manifest();
    assertEquals(rest, restBefore);
    assertEquals(after[0].descriptor.annotations, { of: "the first" });
    await validateIndex(mapped);
    await validateIndex(index);
  });

  it("lets an attestation follow its image", async () => {
    const { index } = await platformIndex();
    const { manifests } = await sentIndex(mapIndex(index, labelled));
    const attestation = (await index.manifest()).manifests[2];
    assertEquals(manifests[2], {
      ...attestation,
      annotations: {
        "vnd.docker.reference.digest": manifests[0].digest,
        "vnd.docker.reference.type": "attestation-manifest",
      },
    });
    assertNotEquals(manifests[0].digest, attestation.annotations?.["vnd.docker.reference.digest"]);
    // An image that stays keeps its attestation as it is.
    const second = mapIndex(index, labelled, { images: ({ platform }) => platform?.architecture === "arm64" });
    assertEquals((await sentIndex(second)).manifests[2], attestation);
  });

  it("edits those images that it is asked to", async () => {
    const { index } = await platformIndex();
    const seen: unknown[] = [];
    const annotated = (image: Image, { platform }: Descriptor) => {
      seen.push(platform?.architecture);
      return changeImage(image, { annotations: { a: "b" } });
    };
    await mapIndex(index, annotated).digest();
    assertEquals(seen.splice(0).sort(), ["amd64", "arm64", "riscv64"]);
    await mapIndex(index, annotated, { images: () => true }).digest();
    assertEquals(seen.splice(0).sort(), ["amd64", "arm64", "riscv64", "unknown"]);
    await mapIndex(index, annotated, { images: matchAttestations }).digest();
    assertEquals(seen, ["unknown"]);
  });

  it("keeps every byte where the edit has no effect", async () => {
    const { index } = await platformIndex();
    const same = mapIndex(index, (image) => changeImage(image, { labels: { none: null } }));
    assertEquals(await same.digest(), await index.digest());
    assertEquals(await same.rawManifest(), await index.rawManifest());
  });

  it("tells the index of a platform that was changed, and leaves what it says beyond a config that was not", async () => {
    const { source, index: base } = await platformIndex();
    const members = (await base.manifest()).manifests;
    const more = { ...AMD64, "os.features": ["x"], variant: "v2" };
    const index = source.index(
      await source.addIndex([{ ...members[0], platform: more }, { ...members[1], platform: undefined }]),
    );
    const platforms = async (edit: (image: Image) => Image) =>
      (await sentIndex(mapIndex(index, edit))).manifests.map(({ platform }) => platform);
    assertEquals(await platforms(labelled), [more, undefined]);
    assertEquals(await platforms((image) => changeImage(image, { annotations: { a: "b" } })), [more, undefined]);
    assertEquals(await platforms((image) => changeImage(image, { platform: ARM64 })), [ARM64, undefined]);
  });

  it("drops what was said of bytes that are no more", async () => {
    const { source, index: base } = await platformIndex();
    const [member] = (await base.manifest()).manifests;
    const raw = source.blobs.get(member.digest)!;
    const data = btoa(String.fromCharCode(...raw));
    const index = source.index(await source.addIndex([{ ...member, data, urls: ["https://example.com/m"] }]));
    assertEquals(Object.keys((await sentIndex(mapIndex(index, labelled))).manifests[0]).sort(), [
      "annotations",
      "digest",
      "mediaType",
      "platform",
      "size",
    ]);
  });

  it("edits the indexes too, the inner ones first", async () => {
    const { index } = await platformIndex();
    const toDocker = mapIndex(
      removeManifests(index, matchAttestations),
      (image) => changeImage(image, { mediaType: DOCKER }),
      { indexes: (index) => changeIndex(index, { mediaType: MediaType.DockerManifestList }) },
    );
    const { mediaType, manifests } = await sentIndex(toDocker);
    assertEquals(mediaType, MediaType.DockerManifestList);
    assertEquals(manifests.map(({ mediaType }) => mediaType), [DOCKER, DOCKER, MediaType.DockerManifestList]);
    const nested = await sentIndex(await toDocker.index(manifests[2].digest));
    assertEquals([nested.mediaType, nested.manifests[0].mediaType], [MediaType.DockerManifestList, DOCKER]);
    await validateIndex(toDocker);
  });

  it("calls the edit once for each image, and not before somebody asks", async () => {
    mapIndex(unread<ImageIndex>("index"), labelled);
    const { source, index } = await platformIndex();
    let calls = 0;
    const mapped = mapIndex(index, (image) => (calls++, labelled(image)));
    assertEquals(await mapped.mediaType(), MediaType.OciImageIndex);
    assertEquals(calls, 0);
    assert(await mapped.digestKnown());
    await Promise.all([mapped.digest(), mapped.children(), mapped.manifest(), selectImage(mapped, ARM64)]);
    assertEquals(calls, 3);
    const manifests = await Promise.all((await imagesOf(index)).map(({ view }) => view.manifest()));
    const configs = new Set(manifests.map(({ config }) => config.digest));
    assertEquals(source.opened.filter((digest) => !configs.has(digest)), []);
  });

  it("lets the edit upload what it makes, so that it is made once", async () => {
    const { source, index } = await platformIndex();
    const uploaded: number[] = [];
    const mapped = mapIndex(index, async (image) => {
      const flat = flattenImage(image);
      const [layer] = await flat.layers();
      assertEquals(layer.digestKnown(), false);
      uploaded.push((await collect(await layer.compressed())).length);
      return flat;
    });
    assert(await mapped.digestKnown());
    await mapped.digest();
    const layers = (await Promise.all((await imagesOf(index)).map(({ view }) => view.manifest()))).flatMap(
      ({ layers }) => layers.map(({ digest }) => digest),
    );
    assertEquals(uploaded.length, 3);
    assertEquals(layers.map((digest) => source.opened.filter((opened) => opened === digest).length), [1, 1, 0, 1]);
    await validateIndex(mapped);
  });

  it("does not know its digest while an image of it does not", async () => {
    const { index } = await platformIndex();
    const mapped = mapIndex(index, (image) => flattenImage(image));
    assertEquals(await mapped.digestKnown(), false);
    await mapped.digest();
    assertEquals(await mapped.digestKnown(), true);
  });

  it("composes, and fails as the edit does", async () => {
    const { index } = await platformIndex();
    const annotated = (image: Image) => changeImage(image, { annotations: { a: "b" } });
    const inTurn = mapIndex(mapIndex(index, labelled), annotated);
    assertEquals(await inTurn.digest(), await mapIndex(index, (image) => annotated(labelled(image))).digest());
    const [member] = (await index.children()).map(({ view }) => view as Image);
    const appended = appendManifests(inTurn, [member]);
    assertEquals((await sentIndex(appended)).manifests.length, 5);
    await validateIndex(appended);
    const failing = mapIndex(index, () => Promise.reject(new ManifestError("no")));
    await assertRejects(() => failing.digest(), ManifestError, "no");
    assertEquals((await index.manifest() as Json).manifests.length, 4);
  });
});
