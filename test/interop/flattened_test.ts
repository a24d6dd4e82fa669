import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import process from "node:process";
import { crane, source } from "../../mod.ts";
import { emptyImage, type Image, layerFromBytes, validateImage } from "../../src/image/mod.ts";
import { createLayout } from "../../src/layout/mod.ts";
import { appendLayers } from "../../src/mutate/mod.ts";
import type { CompressionKind } from "../../src/io/mod.ts";
import { type TarNewEntry, writeTar } from "../../src/tar/mod.ts";
import { writeTarballFile } from "../../src/tarball/mod.ts";
import { memoryRegistry } from "../make/memory_registry.ts";
import { collect } from "../make/streams.ts";
import { inFolder } from "../make/folders.ts";
import { utf8 } from "../make/bytes.ts";
import { describePeer, podman, skopeo, tar, umoci } from "../peers/mod.ts";
import { describeWholeTree } from "../make/directory_trees.ts";

const app = "registry.example.com/app";

/** Layers with one of everything that root may make, some of it hidden by later ones. */
async function sample(): Promise<Image> {
  const long = `${"a-name-that-is-rather-long/".repeat(7)}end`;
  const file = (path: string, text: string, more: Partial<TarNewEntry> = {}): TarNewEntry => ({
    path,
    content: utf8(text),
    mtime: 1_600_000_000,
    ...more,
  });
  const directory = (path: string, more: Partial<TarNewEntry> = {}): TarNewEntry => ({
    path: `${path}/`,
    type: "directory",
    mtime: 1_500_000_000,
    ...more,
  });
  const bottom: TarNewEntry[] = [
    directory("bin"),
    directory("etc", { mode: 0o750, gid: 7 }),
    directory("home", { mtime: 1_400_000_000 }),
    directory("home/me", { mode: 0o700, uid: 1000, gid: 2000 }),
    directory("tmp", { mode: 0o1777 }),
    directory("var"),
    directory("var/old"),
    file("bin/su", "suid\n", { mode: 0o4755 }),
    file("bin/wall", "sgid\n", { mode: 0o2711, gid: 5 }),
    file("bin/tool", "tool\n", { mode: 0o755 }),
    { path: "bin/same", type: "link", linkname: "bin/tool" },
    { path: "bin/again", type: "link", linkname: "bin/tool" },
    { path: "bin/sh", type: "symlink", linkname: "tool", mtime: 1_300_000_000, uid: 3 },
    { path: "etc/absolute", type: "symlink", linkname: "/bin/tool" },
    { path: "etc/dangling", type: "symlink", linkname: "../no/where" },
    { path: "var/pipe", type: "fifo", mode: 0o640 },
    file("etc/empty", ""),
    file("etc/secret", "s3cret\n", { mode: 0o600, uid: 1000 }),
    file("etc/größe", "unicode\n"),
    file("etc/noted", "noted\n", {
      pax: [["SCHILY.xattr.user.note", "a note"], ["SCHILY.xattr.user.more", "ü\n="]],
    }),
    file("home/me/large", "large ".repeat(100_000), { uid: 1000, gid: 2000, mtime: 1_234_567_890 }),
    ...Array.from({ length: 7 }, (_, depth) => directory(`var/${long.split("/").slice(0, depth + 1).join("/")}`)),
    file(`var/${long}`, "deep\n"),
    file("var/old/gone", "gone\n"),
    file("var/removed", "removed\n"),
    file("etc/kind", "was a file\n"),
  ];
  const top: TarNewEntry[] = [
    { path: "var/.wh.removed" },
    { path: "var/old/.wh..wh..opq" },
    file("var/old/new", "new\n"),
    file("etc/secret", "other\n", { mode: 0o400, uid: 1001 }),
    directory("etc/kind", { mode: 0o711 }),
    file("etc/kind/inside", "inside\n"),
    { path: "bin/later", type: "link", linkname: "bin/tool" },
  ];
  const layers = await Promise.all(
    [bottom, top].map(async (entries) => layerFromBytes(await collect(writeTar(entries, { format: "pax" })))),
  );
  return appendLayers(emptyImage({ platform: { os: "linux", architecture: "amd64" } }), layers);
}

/** The image made one layer. */
async function flattened(compression: CompressionKind): Promise<Image> {
  const { fetch } = memoryRegistry();
  await crane.push(await sample(), `${app}:v1`, { fetch });
  return await crane.pull(await crane.flatten(`${app}:v1`, { fetch, compression }), { fetch });
}

// Only root may give files away.
if (process.getuid?.() === 0) {
  describePeer("a flattened image", ["umoci", "tar", "getfattr"], () => {
    it(
      "unpacked by umoci is the tree that GNU tar makes of an export",
      { timeout: 60_000 },
      () =>
        inFolder(async (folder) => {
          const image = await flattened("gzip");
          assertEquals((await image.layers()).length, 1);
          await (await createLayout(join(folder, "layout"))).appendImage(image, { refName: "flat" });
          await umoci("unpack", "--image", `${join(folder, "layout")}:flat`, join(folder, "bundle"));

          const files = join(folder, "files.tar");
          writeFileSync(files, await collect(crane.extract(await sample())));
          mkdirSync(join(folder, "root"));
          const flags = ["--xattrs", "--xattrs-include=*", "--same-owner", "--numeric-owner", "--preserve-permissions"];
          // What an upper layer has of a directory comes first, and what lower ones have would change its time again.
          const extract = ["--extract", "--delay-directory-restore", ...flags];
          await tar(...extract, "--file", files, "--directory", join(folder, "root"));

          const byTar = await describeWholeTree(join(folder, "root"));
          assertEquals(await describeWholeTree(join(folder, "bundle/rootfs")), byTar);
          assertEquals(byTar.filter((line) => line.includes("removed") || line.includes("gone")), []);
          const text = byTar.join("\n");
          for (
            const part of ["bin/su file 4755 0:0", 'user.note="a note"', "etc/kind/ directory 711", "bin/later = "]
          ) {
            assertStringIncludes(text, part);
          }
        }),
    );
  });
}

describePeer("a zstd image", ["skopeo"], () => {
  it("is read by skopeo, its manifest as it is", () =>
    inFolder(async (folder) => {
      const image = await flattened("zstd");
      const layout = `oci:${join(folder, "layout")}:zstd`;
      await (await createLayout(join(folder, "layout"))).appendImage(image, { refName: "zstd" });
      assertEquals(await skopeo("inspect", "--raw", layout), new TextDecoder().decode(await image.rawManifest()));
      const { Digest, Layers } = JSON.parse(await skopeo("inspect", layout));
      const [{ mediaType, digest }] = (await image.manifest()).layers;
      assertEquals(mediaType, "application/vnd.oci.image.layer.v1.tar+zstd");
      assertEquals([Digest, Layers], [await image.digest(), [digest]]);
      const config = JSON.parse(await skopeo("inspect", "--config", "--raw", layout));
      assertEquals(config, await image.configFile());
    }));
});

describePeer("what gcrane writes to a tarball", ["podman"], () => {
  it("is loaded by podman, which says the same of it", { timeout: 60_000 }, () =>
    inFolder(async (folder) => {
      const storage = join(folder, "storage");
      const image = await sample();
      for (const format of ["docker", "legacy"] as const) {
        const path = join(folder, `${format}.tar`);
        await writeTarballFile(path, [{ image, reference: `example.com/${format}:v1` }], { format });
        await podman(storage, "load", "--input", path);
        const [said] = JSON.parse(await podman(storage, "image", "inspect", `example.com/${format}:v1`));
        const config = await image.configFile();
        assertEquals([`sha256:${said.Id}`, said.Os, said.Architecture], [await image.configName(), "linux", "amd64"]);
        assertEquals(said.RootFS.Layers, config.rootfs.diff_ids);
        assertEquals(said.History.map(({ created_by }: { created_by: string }) => created_by), [
          ...config.history!.map(({ created_by }) => created_by),
        ]);
      }
      const saved = join(folder, "saved.tar");
      await podman(storage, "save", "--format", "oci-archive", "--output", saved, "example.com/docker:v1");
      const back = await source.load(saved);
      assert(back.kind === "image");
      await validateImage(back);
      // The config of one that came as Docker's is translated.
      assertEquals((await back.configFile()).rootfs, (await image.configFile()).rootfs);
    }));
});
