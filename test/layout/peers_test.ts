import { it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createLayout, openLayout } from "../../src/layout/mod.ts";
import { matchName, validateImage } from "../../src/image/mod.ts";
import { describePeer, runPeer, skopeo, umoci } from "../peers/mod.ts";
import { filesUnder, inFolder } from "../make/folders.ts";
import { imageOf, tarOf, testLayer } from "../make/images.ts";

const sample = async () =>
  imageOf([
    await testLayer(await tarOf("etc/motd", "hello\n")),
    await testLayer(await tarOf("etc/issue", "there\n"), { compression: "none" }),
  ]);

describePeer("Layout and skopeo", ["skopeo"], () => {
  it("writes what skopeo inspects and copies, with equal digests", async () => {
    await inFolder(async (folder) => {
      // Stored with gzip: skopeo compresses what is not.
      const image = imageOf([await testLayer(await tarOf("a", "a")), await testLayer(await tarOf("b", "b"))]);
      const { digest } = await (await createLayout(join(folder, "ours"))).appendImage(image, { refName: "v1" });
      const inspected = JSON.parse(await skopeo("inspect", `oci:${folder}/ours:v1`));
      assertEquals(inspected.Digest, digest);
      await skopeo("copy", `oci:${folder}/ours:v1`, `oci:${folder}/copy:v2`);
      const copy = await openLayout(join(folder, "copy"));
      assertEquals(await (await copy.image()).digest(), digest);
      assertEquals(filesUnder(join(folder, "copy", "blobs")), filesUnder(join(folder, "ours", "blobs")));
    });
  });
  it("reads, appends to and collects a layout that skopeo wrote", async () => {
    await inFolder(async (folder) => {
      await (await createLayout(join(folder, "ours"))).appendImage(await sample(), { refName: "v1" });
      await skopeo("copy", `oci:${folder}/ours:v1`, `oci:${folder}/theirs:a`);
      const theirs = await openLayout(join(folder, "theirs"));
      await validateImage(await theirs.image());
      const other = imageOf([await testLayer(await tarOf("b", "b"))]);
      const { digest } = await theirs.appendImage(other, { refName: "b" });
      assertEquals(JSON.parse(await skopeo("inspect", `oci:${folder}/theirs:b`)).Digest, digest);
      await theirs.removeDescriptors(matchName("a"));
      assertEquals((await theirs.garbageCollect()).removed.length, 4);
      assertEquals(JSON.parse(await skopeo("inspect", `oci:${folder}/theirs:b`)).Digest, digest);
    });
  });
});

describePeer("Layout and umoci", ["umoci"], () => {
  it("writes what umoci unpacks", async () => {
    await inFolder(async (folder) => {
      await (await createLayout(join(folder, "ours"))).appendImage(await sample(), { refName: "v1" });
      await umoci("unpack", "--rootless", "--image", `${folder}/ours:v1`, join(folder, "bundle"));
      assertEquals(readFileSync(join(folder, "bundle", "rootfs", "etc", "motd"), "utf8"), "hello\n");
      assertEquals(readFileSync(join(folder, "bundle", "rootfs", "etc", "issue"), "utf8"), "there\n");
    });
  });
  it("reads what umoci made", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "theirs");
      await umoci("init", "--layout", path);
      await umoci("new", "--image", `${path}:v1`);
      assertStringIncludes(await runPeer("umoci", ["list", "--layout", path]), "v1");
      const image = await (await openLayout(path)).image();
      assertEquals((await image.configFile()).rootfs.diff_ids, []);
    });
  });
});
