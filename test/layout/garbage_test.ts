import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { existsSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLayout, type Layout } from "../../src/layout/mod.ts";
import { LayoutError } from "../../src/errors.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { blobPath, filesUnder, inFolder } from "../make/folders.ts";
import { imageOf, tarOf, testLayer, textImage } from "../make/images.ts";
import { inChunks } from "../make/streams.ts";
import { utf8 } from "../make/bytes.ts";

/** Writes content as a blob and returns its descriptor. */
async function put(layout: Layout, content: string | object, mediaType: string): Promise<Descriptor> {
  const bytes = typeof content === "string" ? utf8(content) : jsonBytes(content);
  const digest = await digestBytes(bytes);
  await layout.writeBlob(digest, inChunks(bytes));
  return { mediaType, digest, size: bytes.length };
}

/** A manifest that points at these. */
function manifestOf(config: Descriptor, layers: Descriptor[], subject?: Descriptor): object {
  return { schemaVersion: 2, mediaType: MediaType.OciManifest, config, layers, ...(subject ? { subject } : {}) };
}

const EMPTY = "application/vnd.oci.empty.v1+json";

describe("Layout.garbageCollect", () => {
  it("removes what nothing leads to, and says what and how much", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      await layout.appendImage(await textImage("kept"));
      const kept = filesUnder(folder);
      const gone = await textImage("gone");
      await layout.appendImage(gone, { refName: "gone" });
      const all = filesUnder(folder);
      await layout.removeDescriptors(({ annotations }) => annotations !== undefined);

      const [layer] = await gone.layers();
      const digests: Hash[] = [await gone.digest(), await gone.configName(), await layer.digest()];
      const bytes = await gone.size() + (await gone.manifest()).config.size + await layer.size();
      const dry = await layout.garbageCollect({ dryRun: true });
      assertEquals(dry, { removed: digests.sort(), bytes });
      assertEquals(filesUnder(folder), all);
      assertEquals(await layout.garbageCollect(), dry);
      assertEquals(filesUnder(folder), kept);
      assertEquals(await layout.garbageCollect(), { removed: [], bytes: 0 });
    });
  });
  it("keeps what is shared with something that stays", async () => {
    await inFolder(async (folder) => {
      const shared = await testLayer(await tarOf("shared", "x"));
      const layout = await createLayout(folder);
      await layout.appendImage(imageOf([shared]), { refName: "kept" });
      const other = imageOf([shared], { author: "somebody" });
      await layout.writeImage(other);
      const { removed } = await layout.garbageCollect();
      assertEquals([...removed].sort(), [await other.digest(), await other.configName()].sort());
      assertEquals(await layout.hasBlob(await shared.digest()), true);
    });
  });
  it("follows nested indexes and subjects", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const config = await put(layout, "{}", EMPTY);
      const layer = await put(layout, "layer of the subject", "text/plain");
      const subject = await put(layout, manifestOf(config, [layer]), MediaType.OciManifest);
      const signature = await put(layout, "signature", "text/plain");
      const referrer = await put(layout, manifestOf(config, [signature], subject), MediaType.OciManifest);
      const inner = await put(layout, { schemaVersion: 2, manifests: [referrer] }, MediaType.OciImageIndex);
      const outer = await put(layout, { schemaVersion: 2, manifests: [inner] }, MediaType.OciImageIndex);
      await layout.appendDescriptor(outer);
      assertEquals((await layout.garbageCollect()).removed, []);
    });
  });
  it("keeps what manifests of unknown types mention", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const blob = await put(layout, "blob of an artifact", "text/plain");
      const artifact = await put(layout, { blobs: [blob] }, "application/vnd.oci.artifact.manifest.v1+json");
      const old = await put(layout, "layer of schema 1", "text/plain");
      const schema1 = await put(
        layout,
        { schemaVersion: 1, fsLayers: [{ blobSum: old.digest }] },
        MediaType.DockerManifestSchema1Signed,
      );
      const plain = await put(layout, "no manifest at all", "text/plain");
      for (const descriptor of [artifact, schema1, plain]) await layout.appendDescriptor(descriptor);
      assertEquals((await layout.garbageCollect()).removed, []);
    });
  });
  it("does not take what a layer or a config mentions for alive", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const orphan = await put(layout, "orphan", "text/plain");
      const config = await put(layout, { manifests: [orphan] }, EMPTY);
      await layout.appendDescriptor(await put(layout, manifestOf(config, []), MediaType.OciManifest));
      assertEquals((await layout.garbageCollect()).removed, [orphan.digest]);
    });
  });
  it("takes a manifest that is not there for one that points at nothing", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const orphan = await put(layout, "orphan", "text/plain");
      await layout.appendDescriptor({ mediaType: MediaType.OciManifest, digest: `sha256:${"1".repeat(64)}`, size: 5 });
      assertEquals((await layout.garbageCollect()).removed, [orphan.digest]);
    });
  });
  it("removes nothing when a manifest can't be read", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      await put(layout, "orphan", "text/plain");
      const { digest } = await layout.appendImage(await textImage("one"));
      const path = blobPath(folder, digest);
      const good = readFileSync(path, "utf8");
      const before = filesUnder(folder);

      writeFileSync(path, good.replace("2", "3"));
      const error = await assertRejects(() => layout.garbageCollect(), LayoutError);
      assertStringIncludes(error.message, "nothing was removed");
      assertStringIncludes(error.message, digest);
      unlinkSync(path);
      symlinkSync(join(folder, "index.json"), path);
      await assertRejects(() => layout.garbageCollect(), LayoutError, "symbolic link");
      assertEquals(filesUnder(folder), before);
    });
  });
  it("removes nothing when a manifest is nested too deeply, or is large and of an unknown type", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const named = await put(layout, "named", "text/plain");
      const nested = `{"x":${"[".repeat(4_000)}"${named.digest}"${"]".repeat(4_000)}}`;
      for (const type of ["application/vnd.example.unknown", MediaType.OciManifest]) {
        await layout.appendDescriptor(await put(layout, nested, type));
        await assertRejects(() => layout.garbageCollect(), LayoutError, "nested deeper than 1000 levels");
        await layout.removeDescriptors(() => true);
      }
      const large = { padding: "x".repeat(5 * 1024 * 1024), blob: named.digest };
      await layout.appendDescriptor(await put(layout, large, "application/vnd.example.unknown"));
      assertEquals((await layout.garbageCollect({ dryRun: true })).removed.includes(named.digest), false);
    });
  });
  it("removes nothing when index.json can't be read", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const orphan = await put(layout, "orphan", "text/plain");
      writeFileSync(join(folder, "index.json"), `{"manifests":[`);
      await assertRejects(() => layout.garbageCollect(), LayoutError, "index.json");
      writeFileSync(join(folder, "index.json"), `{"manifests":[{"digest":"sha256:no"}]}`);
      await assertRejects(() => layout.garbageCollect(), LayoutError, "manifests[0]");
      assertEquals(await layout.hasBlob(orphan.digest), true);
    });
  });
  it("leaves alone what is not named by a digest, and removes a link but not what it leads to", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      writeFileSync(join(folder, "blobs", "sha256", "notes.txt"), "mine");
      writeFileSync(join(folder, "elsewhere"), "mine too");
      const link: Hash = `sha256:${"2".repeat(64)}`;
      symlinkSync(join(folder, "elsewhere"), blobPath(folder, link));
      assertEquals((await layout.garbageCollect()).removed, [link]);
      assertEquals(existsSync(join(folder, "blobs", "sha256", "notes.txt")), true);
      assertEquals(readFileSync(join(folder, "elsewhere"), "utf8"), "mine too");
    });
  });
  it("waits for updates of index.json", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const image = await textImage("one");
      await layout.writeImage(image);
      const append = layout.appendDescriptor(await image.descriptor());
      assertEquals((await layout.garbageCollect()).removed, []);
      await append;
    });
  });
  it("collects blobs of sha512", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const digest = await digestBytes(utf8("orphan"), "sha512");
      await layout.writeBlob(digest, inChunks(utf8("orphan")));
      assertEquals(await layout.garbageCollect(), { removed: [digest], bytes: 6 });
      assertEquals(await layout.hasBlob(digest), false);
    });
  });
});
