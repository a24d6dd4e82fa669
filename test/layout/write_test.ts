import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { lstatSync, readFileSync, renameSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLayout, Layout, openLayout, writeLayout } from "../../src/layout/mod.ts";
import { DigestMismatchError, FileError, LayoutError } from "../../src/errors.ts";
import {
  type Image,
  type ImageIndex,
  indexFrom,
  type Layer,
  layerFromUncompressed,
  matchName,
  staticLayer,
  validateIndex,
} from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { blobPath, filesUnder, inFolder } from "../make/folders.ts";
import { collect, inChunks } from "../make/streams.ts";
import { imageOf, streamingLayer, tarOf, testLayer, textImage } from "../make/images.ts";
import { utf8 } from "../make/bytes.ts";

/** An index of these members, with their descriptors as they are. */
async function indexOf(...members: (Image | ImageIndex | Layer)[]): Promise<ImageIndex> {
  const found = new Map<Hash, Image | ImageIndex | Layer>();
  const manifests: Descriptor[] = [];
  for (const member of members) {
    const descriptor = await member.descriptor();
    found.set(descriptor.digest, member);
    manifests.push(descriptor);
  }
  const bytes = jsonBytes({ schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests });
  const member = ({ digest }: Descriptor) => found.get(digest) as never;
  return indexFrom({ rawManifest: () => Promise.resolve(bytes), image: member, index: member, blob: member });
}

/** What `index.json` lists. */
function listed(folder: string): Descriptor[] {
  return JSON.parse(readFileSync(join(folder, "index.json"), "utf8")).manifests;
}

/** Returns the blobs of a layout by their file names. */
function blobsIn(folder: string): string[] {
  return filesUnder(join(folder, "blobs"));
}

describe("createLayout", () => {
  it("makes a layout that lists nothing", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "deep", "layout");
      const layout = await createLayout(path);
      assertEquals(layout.path, path);
      assertEquals(filesUnder(path), ["index.json", "oci-layout"]);
      assertEquals(JSON.parse(readFileSync(join(path, "oci-layout"), "utf8")), { imageLayoutVersion: "1.0.0" });
      assertEquals(JSON.parse(readFileSync(join(path, "index.json"), "utf8")), {
        schemaVersion: 2,
        mediaType: MediaType.OciImageIndex,
        manifests: [],
      });
    });
  });
  it("opens a layout that is there", async () => {
    await inFolder(async (folder) => {
      await (await createLayout(folder)).appendImage(await textImage("one"));
      await createLayout(folder);
      assertEquals(listed(folder).length, 1);
    });
  });
  it("does not write over an index.json that it can't read", async () => {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, "index.json"), "precious");
      await assertRejects(() => createLayout(folder), LayoutError, "is not JSON");
      assertEquals(readFileSync(join(folder, "index.json"), "utf8"), "precious");
    });
  });
  it("says what it can't make", async () => {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, "file"), "");
      const error = await assertRejects(() => createLayout(join(folder, "file")), FileError);
      assertStringIncludes(error.message, join(folder, "file"));
    });
  });
});

describe("Layout, writing", () => {
  it("writes manifest, config and layers, each once, and nothing else", async () => {
    await inFolder(async (folder) => {
      const layer = await testLayer(await tarOf("a", "one"));
      const image = imageOf([layer, layer]);
      const layout = await createLayout(folder);
      await layout.writeImage(image);
      assertEquals(listed(folder), []);
      const digests = [await image.digest(), await image.configName(), await layer.digest()];
      assertEquals(blobsIn(folder), digests.map((digest) => digest.replace(":", "/")).sort());
    });
  });
  it("lists with a name, annotations and a platform", async () => {
    await inFolder(async (folder) => {
      const image = await textImage("one");
      const descriptor = await (await createLayout(folder)).appendImage(image, {
        refName: "v1",
        annotations: { "com.example.a": "b" },
        platform: { os: "linux", architecture: "arm64", variant: "v8" },
      });
      assertEquals(listed(folder), [descriptor]);
      assertEquals(descriptor, {
        mediaType: MediaType.OciManifest,
        digest: await image.digest(),
        size: await image.size(),
        platform: { os: "linux", architecture: "arm64", variant: "v8" },
        annotations: { "com.example.a": "b", "org.opencontainers.image.ref.name": "v1" },
      });
    });
  });
  it("does not list the same twice", async () => {
    await inFolder(async (folder) => {
      const [layout, image] = [await createLayout(folder), await textImage("one")];
      await layout.appendImage(image, { refName: "a" });
      await layout.appendImage(image, { refName: "a" });
      await layout.appendImage(image, { refName: "b" });
      assertEquals(listed(folder).map(({ annotations }) => Object.values(annotations!)), [["a"], ["b"]]);
    });
  });
  it("keeps what it does not understand in index.json", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const foreign = { mediaType: "a/b", digest: `sha256:${"0".repeat(64)}`, size: 1, "x-field": [1] };
      writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [foreign], "x-top": 2 }));
      await layout.appendImage(await textImage("one"));
      const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
      assertEquals(index["x-top"], 2);
      assertEquals(index.manifests[0], foreign);
      assertEquals(index.manifests.length, 2);
    });
  });
  it("replaces what matches, and removes it", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      await layout.appendImage(await textImage("one"), { refName: "a" });
      await layout.appendImage(await textImage("two"), { refName: "b" });
      const third = await layout.replaceImage(await textImage("three"), matchName("a"), { refName: "a" });
      assertEquals(listed(folder).map(({ annotations }) => Object.values(annotations!)), [["b"], ["a"]]);
      assertEquals(listed(folder)[1].digest, third.digest);
      await layout.removeDescriptors(matchName("b"));
      assertEquals(listed(folder), [third]);
      await layout.replaceIndex(await indexOf(await textImage("four")), () => true);
      assertEquals(listed(folder).map(({ mediaType }) => mediaType), [MediaType.OciImageIndex]);
    });
  });
  it("does not write index.json when nothing changes", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const before = lstatSync(join(folder, "index.json")).ino;
      await layout.removeDescriptors(() => true);
      assertEquals(lstatSync(join(folder, "index.json")).ino, before);
    });
  });
  it("lets updates of index.json wait for one another", async () => {
    await inFolder(async (folder) => {
      await createLayout(folder);
      const descriptors = Array.from({ length: 20 }, (_, index): Descriptor => ({
        mediaType: MediaType.OciManifest,
        digest: `sha256:${String(index).padStart(64, "0")}`,
        size: 1,
      }));
      // Two objects for the one directory, and two ways to write its path.
      const layouts = [new Layout(folder), new Layout(`${folder}/.`)];
      await Promise.all(descriptors.map((descriptor, index) => layouts[index % 2].appendDescriptor(descriptor)));
      assertEquals(listed(folder), descriptors);
    });
  });
  it("goes on after an update that failed", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const update = layout.removeDescriptors(() => true, { signal: AbortSignal.abort(new Error("enough")) });
      const append = layout.appendImage(await textImage("one"));
      await assertRejects(() => update, Error, "enough");
      await append;
      assertEquals(listed(folder).length, 1);
    });
  });
  it("does not follow an index.json that is a symbolic link (rule 9)", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(join(folder, "layout"));
      const index = join(folder, "layout", "index.json");
      writeFileSync(join(folder, "elsewhere"), readFileSync(index));
      const before = readFileSync(join(folder, "elsewhere"), "utf8");
      await layout.appendImage(await textImage("one"));
      unlinkSync(index);
      symlinkSync(join(folder, "elsewhere"), index);
      await layout.appendImage(await textImage("two"));
      assertEquals(readFileSync(join(folder, "elsewhere"), "utf8"), before);
      assertEquals(lstatSync(index).isFile(), true);
    });
  });
  it("does not read what is there already", async () => {
    await inFolder(async (folder) => {
      let opened = 0;
      const onOpen = (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => (opened++, stream);
      const image = imageOf([await testLayer(await tarOf("a", "one"), { onOpen })]);
      const layout = await createLayout(folder);
      await layout.writeImage(image);
      await layout.writeImage(image);
      assertEquals(opened, 1);
    });
  });
  it("writes anew what is there with another size, or as a link", async () => {
    await inFolder(async (folder) => {
      const layer = await testLayer(await tarOf("a", "one"));
      const image = imageOf([layer]);
      const layout = await createLayout(join(folder, "layout"));
      await layout.writeImage(image);
      const path = blobPath(layout.path, await layer.digest());
      truncateSync(path, 10);
      await layout.writeImage(image);
      assertEquals(readFileSync(path).length, await layer.size());

      renameSync(path, join(folder, "elsewhere"));
      writeFileSync(join(folder, "elsewhere"), "x".repeat(await layer.size()));
      symlinkSync(join(folder, "elsewhere"), path);
      await layout.writeImage(image);
      assertEquals(await collect(await layout.blob(await layer.digest())), await collect(await layer.compressed()));
      assertEquals(readFileSync(join(folder, "elsewhere"), "utf8"), "x".repeat(await layer.size()));
    });
  });
  it("repairs a manifest whose bytes are others", async () => {
    await inFolder(async (folder) => {
      const [layout, image] = [await createLayout(folder), await textImage("one")];
      const { digest, size } = await layout.appendImage(image);
      writeFileSync(blobPath(folder, digest), "x".repeat(size));
      await layout.writeImage(image);
      assertEquals(new Uint8Array(readFileSync(blobPath(folder, digest))), await image.rawManifest());
    });
  });
  it("hashes a layer that is a stream while it is written", async () => {
    await inFolder(async (folder) => {
      const content = await tarOf("a", "streamed".repeat(1000));
      const image = imageOf([streamingLayer(content)]);
      const layout = await createLayout(folder);
      await layout.appendImage(image);
      const copy = await layout.image();
      const [layer] = await copy.layers();
      assertEquals(await layer.diffId(), await digestBytes(content));
      assertEquals(await collect(await layer.uncompressed()), content);
      assertEquals(blobsIn(folder).length, 3);
    });
  });
  it("compresses a layer once when its digest is not known", async () => {
    await inFolder(async (folder) => {
      const content = await tarOf("a", "lazy");
      let opened = 0;
      const layer = layerFromUncompressed({ uncompressed: () => (opened++, Promise.resolve(inChunks(content))) });
      const layout = await createLayout(folder);
      await layout.appendImage(imageOf([layer, layer]));
      assertEquals(opened, 1);
      assertEquals((await (await layout.image()).layers()).length, 2);
    });
  });
  it("says what a single layer is when it is written", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const descriptor = await layout.writeLayer(streamingLayer(await tarOf("a", "one")));
      assertEquals(descriptor.mediaType, MediaType.OciLayerGzip);
      assertEquals(lstatSync(blobPath(folder, descriptor.digest)).size, descriptor.size);
    });
  });
  it("writes an index with nested indexes and content of unknown types", async () => {
    await inFolder(async (folder) => {
      const unknown = await staticLayer(utf8("what is this"), "application/vnd.example.thing");
      const shared = await textImage("one");
      const inner = await indexOf(await textImage("two"), shared);
      const index = await indexOf(shared, inner, unknown);
      const layout = await createLayout(folder);
      const { digest } = await layout.appendIndex(index, { refName: "all" });
      const copy = await (await openLayout(folder)).index().index(digest);
      assertEquals(await copy.rawManifest(), await index.rawManifest());
      await validateIndex(copy);
      const [, , thing] = await copy.children();
      assertEquals(thing.view.kind, "layer");
      assertEquals(await collect(await (thing.view as Layer).compressed()), utf8("what is this"));
      const nested = await layout.image((await (await inner.children())[0].view.descriptor()).digest);
      assertEquals((await nested.layers()).length, 1);
    });
  });
  it("writes a layout whose index.json is an index, byte for byte", async () => {
    await inFolder(async (folder) => {
      const index = await indexOf(await textImage("one"), await indexOf(await textImage("two")));
      const layout = await writeLayout(join(folder, "a"), index);
      assertEquals(new Uint8Array(readFileSync(join(folder, "a", "index.json"))), await index.rawManifest());
      await validateIndex(layout.index());
      // It is a source of its own: a layout copied from a layout is the same.
      const copy = await writeLayout(join(folder, "b"), layout.index());
      assertEquals(filesUnder(copy.path), filesUnder(layout.path));
    });
  });
  it("takes blobs of sha512", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const digest = await digestBytes(utf8("hello"), "sha512");
      await layout.writeBlob(digest, inChunks(utf8("hello")));
      assertEquals(blobsIn(folder), [digest.replace(":", "/")]);
      assertEquals(await collect(await layout.blob(digest)), utf8("hello"));
      const wrong: Hash = `sha512:${"0".repeat(128)}`;
      await assertRejects(() => layout.writeBlob(wrong, inChunks(utf8("hello"))), DigestMismatchError);
      assertEquals(blobsIn(folder).length, 1);
    });
  });
});
