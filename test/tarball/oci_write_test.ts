import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { UnsupportedError } from "../../src/errors.ts";
import { otherManifest } from "../../src/graph/internal.ts";
import type { AnyManifest } from "../../src/graph/mod.ts";
import { emptyIndex, type ImageIndex, randomImage, validateIndex } from "../../src/image/mod.ts";
import { digestBytes, streamOf } from "../../src/io/mod.ts";
import { createLayout } from "../../src/layout/mod.ts";
import { appendManifests } from "../../src/mutate/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { readTar } from "../../src/tar/mod.ts";
import {
  type OciArchiveEntry,
  tarballBytes,
  tarballContents,
  writeOciArchive,
  writeOciArchiveFile,
} from "../../src/tarball/mod.ts";
import { collect } from "../make/streams.ts";
import { filesUnder, inFolder } from "../make/folders.ts";
import { utf8 } from "../make/bytes.ts";
import { describePeer, podman, skopeo } from "../peers/mod.ts";

async function indexOf(...entries: OciArchiveEntry[]): Promise<ImageIndex> {
  const contents = await tarballContents(tarballBytes(await collect(writeOciArchive(entries))));
  assert(contents.kind === "layout");
  return contents.index;
}

/** Digests and names of what an index lists. */
async function listed(index: ImageIndex): Promise<[Hash, string | undefined][]> {
  const { manifests } = await index.manifest();
  return manifests.map(({ digest, annotations }) => [digest, annotations?.["org.opencontainers.image.ref.name"]]);
}

/** A manifest of another type, and its only blob. */
async function other(mediaType: string, fields: (blob: Descriptor) => Record<string, unknown>): Promise<AnyManifest> {
  const content = utf8("a blob");
  const blob = { mediaType: "application/vnd.example", digest: await digestBytes(content), size: content.length };
  const bytes = jsonBytes({ mediaType, ...fields(blob) });
  return otherManifest({
    rawManifest: () => Promise.resolve(bytes),
    descriptor: { mediaType, digest: await digestBytes(bytes), size: bytes.length },
    blob: () => ({ compressed: () => Promise.resolve(streamOf(content)) }),
    sizeOf: () => Promise.resolve(content.length),
    what: "test",
  });
}

const artifact = () => other(MediaType.OciArtifactManifest, (blob) => ({ blobs: [blob] }));

describe("writeOciArchive", () => {
  it("lists its roots, each once under each name, and no members", async () => {
    const [one, two] = [randomImage(), randomImage()];
    const index = appendManifests(emptyIndex(), [one, two]);
    const archive = await indexOf(
      { view: index, name: "example.com/all:v1" },
      // A member that is a root too.
      { view: one, name: "one" },
      { view: one, name: "uno" },
      { view: two },
      { view: one, name: "one" },
    );
    await validateIndex(archive);
    assertEquals(await listed(archive), [
      [await one.digest(), "one"],
      [await one.digest(), "uno"],
      [await two.digest(), undefined],
      [await index.digest(), "example.com/all:v1"],
    ]);
  });

  it("begins with what tells readers that it is a layout, and holds each blob once", async () => {
    const image = randomImage({ layers: 2 });
    const paths: string[] = [];
    const stream = writeOciArchive([{ view: image }, { view: appendManifests(emptyIndex(), [image]) }]);
    for await (const { path } of readTar(stream)) paths.push(path);
    assertEquals(paths.slice(0, 2), ["oci-layout", "index.json"]);
    assertEquals(paths.slice(2).every((path) => /^blobs\/sha256\/[0-9a-f]{64}$/.test(path)), true);
    // A config, two layers, a manifest and an index.
    assertEquals([paths.length, new Set(paths).size], [7, 7]);
  });

  it("keeps manifests that are neither images nor indexes, as a layout does", () =>
    inFolder(async (folder) => {
      const view = await artifact();
      const archive = await indexOf({ view });
      const layout = await createLayout(join(folder, "layout"));
      await layout.appendIndex(archive);
      const [copied] = await layout.index().children();
      assert(copied.view.kind === "index");
      for (const index of [archive, copied.view]) {
        const [{ view: copy }] = await index.children();
        assert(copy.kind === "manifest");
        assertEquals(await copy.rawManifest(), await view.rawManifest());
        const [blob] = await copy.blobs();
        assertEquals(await collect(await blob.compressed()), utf8("a blob"));
      }
    }));

  it("refuses signed schema 1, whose digest is not that of its bytes, and leaves nothing", () =>
    inFolder(async (folder) => {
      const view = await other(MediaType.DockerManifestSchema1Signed, ({ digest }) => ({
        fsLayers: [{ blobSum: digest }],
      }));
      const write = () => writeOciArchiveFile(join(folder, "a.tar"), [{ view }]);
      await assertRejects(write, UnsupportedError, "is a signed schema 1 manifest");
      assertEquals(filesUnder(folder), []);
    }));
});

describePeer("OCI archives and those who read them", ["skopeo", "podman"], () => {
  it("are read by skopeo and loaded by podman", { timeout: 60_000 }, () =>
    inFolder(async (folder) => {
      const image = randomImage({ layers: 2 });
      const path = join(folder, "a.tar");
      await writeOciArchiveFile(path, [{ view: image, name: "example.com/a:v1" }]);
      const inspected = JSON.parse(await skopeo("inspect", "--config", `oci-archive:${path}:example.com/a:v1`));
      assertEquals(inspected.rootfs, (await image.configFile()).rootfs);
      const storage = join(folder, "storage");
      await podman(storage, "load", "--input", path);
      const [said] = JSON.parse(await podman(storage, "image", "inspect", "example.com/a:v1"));
      assertEquals(`sha256:${said.Id}`, await image.configName());
    }));
});
