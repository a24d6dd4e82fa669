import { it } from "node:test";
import { assertEquals } from "@std/assert";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ESTARGZ_TOC_DIGEST } from "../../src/image/internal.ts";
import { emptyImage, type Image, layerFromDirectory } from "../../src/image/mod.ts";
import { createLayout } from "../../src/layout/mod.ts";
import { appendLayers } from "../../src/mutate/mod.ts";
import { writeTarballFile } from "../../src/tarball/mod.ts";
import { inFolder } from "../make/folders.ts";
import { describePeer, podman, skopeo, umoci } from "../peers/mod.ts";
import { describeTree, makeTree } from "../make/directory_trees.ts";

const NAME = "example.com/estargz:v1";

/** An image of one eStargz layer, of a tree that is made in a folder. */
async function estargzImage(folder: string): Promise<{ image: Image; tree: string }> {
  const tree = join(folder, "tree");
  mkdirSync(tree);
  makeTree(tree);
  const layer = await layerFromDirectory(tree, { estargz: { chunkSize: 100_000 } });
  const base = emptyImage({ platform: { os: "linux", architecture: "amd64" } });
  return { image: appendLayers(base, [layer]), tree };
}

describePeer("eStargz layers and others", ["skopeo", "umoci", "podman"], () => {
  it("are copied by skopeo with their annotations, and unpacked by umoci", async () => {
    await inFolder(async (folder) => {
      const { image, tree } = await estargzImage(folder);
      const { digest } = await (await createLayout(join(folder, "ours"))).appendImage(image, { refName: "v1" });
      await skopeo("copy", `oci:${folder}/ours:v1`, `oci:${folder}/copy:v1`);
      const raw = await skopeo("inspect", "--raw", `oci:${folder}/copy:v1`);
      assertEquals(JSON.parse(await skopeo("inspect", `oci:${folder}/copy:v1`)).Digest, digest);
      assertEquals(Object.keys(JSON.parse(raw).layers[0].annotations).includes(ESTARGZ_TOC_DIGEST), true);
      await umoci("unpack", "--rootless", "--image", `${folder}/copy:v1`, join(folder, "bundle"));
      const rootfs = join(folder, "bundle", "rootfs");
      for (const extra of [".no.prefetch.landmark", "stargz.index.json"]) rmSync(join(rootfs, extra));
      assertEquals(describeTree(rootfs), describeTree(tree));
    });
  });

  it("are loaded by podman", async () => {
    await inFolder(async (folder) => {
      const { image } = await estargzImage(folder);
      await writeTarballFile(join(folder, "ours.tar"), [{ image, reference: NAME }]);
      await podman(join(folder, "storage"), "load", "--input", join(folder, "ours.tar"));
      const [inspected] = JSON.parse(await podman(join(folder, "storage"), "image", "inspect", NAME));
      assertEquals(inspected.RootFS.Layers, (await image.configFile()).rootfs.diff_ids);
    });
  });
});
