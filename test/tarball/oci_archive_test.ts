import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { DigestMismatchError, TarballError } from "../../src/errors.ts";
import { type ImageIndex, randomImage, randomIndex, validateImage, validateIndex } from "../../src/image/mod.ts";
import { createLayout } from "../../src/layout/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { imageFromTarball, tarballBytes, tarballContents, tarballFile } from "../../src/tarball/mod.ts";
import { inFolder } from "../make/folders.ts";
import { utf8 } from "../make/bytes.ts";
import { describePeer, podman, skopeo } from "../peers/mod.ts";
import { ociArchive } from "../make/oci_archives.ts";

async function layoutIn(bytes: Bytes): Promise<ImageIndex> {
  const contents = await tarballContents(tarballBytes(bytes, "test.tar"));
  assert(contents.kind === "layout");
  return contents.index;
}

describe("an OCI layout in a tar archive", () => {
  it("is read as what it lists", async () => {
    for (const view of [randomImage({ layers: 2 }), randomIndex()]) {
      const index = await layoutIn(await ociArchive(view));
      const [child] = await index.children();
      assertEquals(await child.view.digest(), await view.digest());
      await validateIndex(index);
    }
  });

  it("is no docker tarball", async () => {
    const source = tarballBytes(await ociArchive(randomImage()), "test.tar");
    const { hint } = await assertRejects(() => imageFromTarball(source), TarballError, "it has no manifest.json");
    assertEquals(hint, "it is an OCI image layout in a tar archive: read it with tarballContents");
  });

  it("fails where it is damaged, and says where", async () => {
    const image = randomImage();
    const open = async (options: Parameters<typeof ociArchive>[1]) => await layoutIn(await ociArchive(image, options));
    for (
      const [marker, message] of [
        ["{}", "oci-layout in test.tar is of version undefined, which is not 1"],
        ['{"imageLayoutVersion":"2.0"}', 'oci-layout in test.tar is of version "2.0", which is not 1'],
        ["no", "oci-layout in test.tar is not JSON"],
      ]
    ) {
      await assertRejects(() => open({ marker: utf8(marker) }), TarballError, message);
    }
    const noIndex = await open({ index: utf8("[]") });
    await assertRejects(() => noIndex.children(), Error, "index.json in test.tar");
    const imageIn = async (index: ImageIndex) => await index.image(await image.digest());
    const lacking = await imageIn(await open({ change: (blobs) => blobs.clear() }));
    await assertRejects(() => lacking.manifest(), TarballError, "test.tar has no blobs/sha256/");
    const digest = await image.digest();
    const other = await imageIn(
      await open({ change: (blobs) => blobs.set(digest, new Uint8Array(blobs.get(digest)!.length)) }),
    );
    await assertRejects(() => other.manifest(), DigestMismatchError);
    const [layer] = await image.layers();
    const [layerDigest, size] = [await layer.digest(), await layer.size()];
    const wrong = await imageIn(await open({ change: (blobs) => blobs.set(layerDigest, new Uint8Array(size)) }));
    await assertRejects(() => validateImage(wrong));
  });
});

describePeer("OCI archives and those who write them", ["skopeo", "podman"], () => {
  it("are read as skopeo and podman write them", { timeout: 60_000 }, () =>
    inFolder(async (folder) => {
      const image = randomImage({ layers: 2 });
      await (await createLayout(join(folder, "layout"))).appendImage(image, { refName: "v1" });
      const theirs = join(folder, "skopeo.tar");
      await skopeo("copy", `oci:${folder}/layout:v1`, `oci-archive:${theirs}:example.com/a:v1`);
      const storage = join(folder, "storage");
      await podman(storage, "pull", "--quiet", `oci-archive:${theirs}`);
      const saved = join(folder, "podman.tar");
      await podman(storage, "save", "--format", "oci-archive", "--output", saved, "example.com/a:v1");
      for (const path of [theirs, saved]) {
        const contents = await tarballContents(tarballFile(path));
        assert(contents.kind === "layout", path);
        const [{ view }] = await contents.index.children();
        assert(view.kind === "image");
        await validateImage(view);
        assertEquals(await view.configName(), await image.configName());
      }
    }));
});
