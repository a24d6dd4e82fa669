import { it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Image, validateImage } from "../../src/image/mod.ts";
import { imageFromTarball, tarballFile, tarballImages, writeTarballFile } from "../../src/tarball/mod.ts";
import { createLayout, openLayout } from "../../src/layout/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { describePeer, podman, skopeo, tar } from "../peers/mod.ts";
import { imageOf, tarOf, testLayer } from "../make/images.ts";
import { inFolder } from "../make/folders.ts";

const sample = async (...texts: string[]): Promise<Image> =>
  imageOf(
    await Promise.all(
      texts.map(async (text, index) => testLayer(await tarOf(`${index}`, text), { mediaType: MediaType.DockerLayer })),
    ),
    {
      mediaType: MediaType.DockerManifestSchema2,
    },
  );

const diffIdsOf = async (image: Image) => (await image.configFile()).rootfs.diff_ids;

describePeer("tarballs and skopeo", ["skopeo"], () => {
  it("writes what skopeo inspects and copies", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "ours.tar");
      const [one, two] = [await sample("one", "shared"), await sample("two", "shared")];
      await writeTarballFile(path, [
        { image: one, reference: "example.com/one:v1" },
        { image: two, reference: "example.com/two" },
      ]);
      for (const [name, image] of [["example.com/one:v1", one], ["example.com/two:latest", two]] as const) {
        const inspected = JSON.parse(await skopeo("inspect", "--config", `docker-archive:${path}:${name}`));
        assertEquals(inspected.rootfs.diff_ids, await diffIdsOf(image));
      }
      assertEquals(JSON.parse(await skopeo("list-tags", `docker-archive:${path}`)).Tags, [
        "example.com/one:v1",
        "example.com/two:latest",
      ]);
      await skopeo("copy", `docker-archive:${path}:example.com/one:v1`, `oci:${folder}/copy:v1`);
      const copy = await (await openLayout(join(folder, "copy"))).image();
      await validateImage(copy);
      assertEquals(await diffIdsOf(copy), await diffIdsOf(one));
    });
  });
  it("writes an image without a name that skopeo reads", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "ours.tar");
      await writeTarballFile(path, [{ image: await sample("one"), reference: `a@sha256:${"0".repeat(64)}` }]);
      assertEquals(JSON.parse(await skopeo("inspect", `docker-archive:${path}`)).Layers.length, 1);
    });
  });
  it("reads what skopeo wrote", async () => {
    await inFolder(async (folder) => {
      const layers = await Promise.all(["one", "two"].map(async (text) => testLayer(await tarOf("a", text))));
      const image = imageOf([...layers, layers[0]]);
      await (await createLayout(join(folder, "layout"))).appendImage(image, { refName: "v1" });
      const path = join(folder, "theirs.tar");
      await skopeo("copy", `oci:${folder}/layout:v1`, `docker-archive:${path}:example.com/a:v1`);
      const copy = await imageFromTarball(tarballFile(path), { tag: "example.com/a:v1" });
      await validateImage(copy);
      assertEquals(await copy.rawConfigFile(), await image.rawConfigFile());
      assertEquals((await tarballImages(tarballFile(path))).map(({ repoTags }) => repoTags), [["example.com/a:v1"]]);

      // And back: what we read of theirs, they read of ours.
      await writeTarballFile(join(folder, "ours.tar"), [{ image: copy, reference: "example.com/b:v2" }]);
      const inspected = JSON.parse(await skopeo("inspect", "--config", `docker-archive:${folder}/ours.tar`));
      assertEquals(inspected.rootfs.diff_ids, await diffIdsOf(image));
    });
  });
});

describePeer("tarballs and podman", ["podman"], () => {
  it("writes what podman loads, and reads what it saves", async () => {
    await inFolder(async (folder) => {
      const [storage, path] = [join(folder, "storage"), join(folder, "ours.tar")];
      const image = await sample("one", "two");
      await writeTarballFile(path, [{ image, reference: "example.com/a:v1" }]);
      assertStringIncludes(await podman(storage, "load", "--input", path), "example.com/a:v1");
      const [id] = (await podman(storage, "images", "--quiet", "--no-trunc")).trim().split("\n");
      assertEquals(id, await image.configName());
      const theirs = join(folder, "theirs.tar");
      await podman(storage, "save", "--format", "docker-archive", "--output", theirs, "example.com/a:v1");
      const copy = await imageFromTarball(tarballFile(theirs), { tag: "example.com/a:v1" });
      await validateImage(copy);
      assertEquals(await copy.configName(), await image.configName());
    });
  });
});

describePeer("tarballs and GNU tar", ["tar"], () => {
  it("writes what tar lists without a warning, and reads what it packs", async () => {
    await inFolder(async (folder) => {
      const image = await sample("one", "two");
      await writeTarballFile(join(folder, "ours.tar"), [{ image, reference: "a:b" }]);
      const names = (await tar("--list", "--file", join(folder, "ours.tar"))).trim().split("\n");
      assertEquals(names.length, 4);
      assertEquals(names.at(-1), "manifest.json");
      const unpacked = join(folder, "unpacked");
      mkdirSync(unpacked);
      await tar("--extract", "--file", join(folder, "ours.tar"), "--directory", unpacked);
      for (const format of ["gnu", "pax", "ustar"]) {
        const packed = join(folder, `${format}.tar.gz`);
        await tar("--create", "--gzip", "--format", format, "--file", packed, "--directory", unpacked, ".");
        const copy = await imageFromTarball(tarballFile(packed), { tag: "a:b" });
        await validateImage(copy);
        assertEquals(await copy.digest(), await image.digest());
      }
    });
  });
});
