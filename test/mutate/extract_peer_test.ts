import { it } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { toBytes } from "@std/streams/to-bytes";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  type Stats,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extractLayers } from "../../src/mutate/mod.ts";
import type { ByteStream } from "../../src/runtime/mod.ts";
import type { TarNewEntry } from "../../src/tar/mod.ts";
import { describePeer, tar } from "../peers/mod.ts";
import { Random } from "../make/random.ts";
import { DirectoryNode, type FileNode, FileTree } from "../make/file_tree.ts";
import { directory, file, itemsOf, layer, link, symlink } from "../make/entry_layers.ts";
import { randomLayers, storedLayer } from "../make/random_layers.ts";

/** Runs with a folder of its own. */
async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane-extract-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Unpacks with GNU tar; gives what there is then, and the names that it lists. */
async function byGnuTar(archive: ByteStream, folder: string): Promise<{ tree: FileTree; names: string[] }> {
  const path = join(folder, "archive.tar");
  const root = join(folder, "root");
  await writeFile(path, await toBytes(archive));
  mkdirSync(root);
  const names = (await tar("-tf", path)).split("\n").filter((name) => name !== "");
  await tar("-xpf", path, "--no-same-owner", "-C", root);
  const tree = new FileTree();
  read(root, tree.root, new Map());
  return { tree, names };
}

function read(folder: string, directory: DirectoryNode, inodes: Map<number, FileNode>): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stats = lstatSync(path);
    if (stats.isDirectory()) {
      const child = new DirectoryNode();
      child.mode = stats.mode & 0o7777;
      directory.children.set(name, child);
      read(path, child, inodes);
    } else {
      const node = inodes.get(stats.ino) ?? nodeOf(path, stats);
      inodes.set(stats.ino, node);
      directory.children.set(name, node);
    }
  }
}

function nodeOf(path: string, stats: Stats): FileNode {
  const mode = stats.mode & 0o7777;
  if (stats.isSymbolicLink()) return { kind: "symlink", mode, text: readlinkSync(path) };
  if (stats.isFIFO()) return { kind: "fifo", mode, text: "" };
  return { kind: "file", mode, text: readFileSync(path, "utf8") };
}

/** Forgets the modes of directories that no entry names: those are the umask's. */
function forgetUnnamed(found: FileTree, expected: DirectoryNode, path = ""): void {
  for (const [name, child] of expected.children) {
    if (!(child instanceof DirectoryNode)) continue;
    const at = path === "" ? name : `${path}/${name}`;
    const node = found.at(at);
    if (child.mode === undefined && node instanceof DirectoryNode) node.mode = undefined;
    forgetUnnamed(found, child, at);
  }
}

describePeer("what extract writes is unpacked by GNU tar", ["tar"], () => {
  it("from random stacks of layers", { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 30; seed++) {
      await inFolder(async (folder) => {
        const random = new Random(seed);
        const { layers, tree } = randomLayers(random, { duplicates: false, devices: false });
        const stack = await Promise.all(layers.map((items) => storedLayer(items, random)));
        const { tree: found, names } = await byGnuTar(extractLayers(stack), folder);
        forgetUnnamed(found, tree.root);
        assertEquals(found.lines({ links: true }), tree.lines({ links: true }), `seed ${seed}`);
        assertEquals(names, (await itemsOf(extractLayers(stack))).map(({ path }) => path), `seed ${seed}`);
      });
    }
  });

  it("from a system with packages installed, upgraded and removed", async () => {
    const long = `usr/share/${"long/".repeat(40)}${"name".repeat(40)}`;
    const bottom: TarNewEntry[] = [
      { path: "./", type: "directory" },
      directory("./usr"),
      directory("./usr/bin"),
      symlink("./bin", "usr/bin"),
      file("./usr/bin/perl", "perl 1", { mode: 0o755 }),
      link("./usr/bin/perl5", "./usr/bin/perl"),
      directory("./var/cache"),
      file("./var/cache/a"),
      file("./usr/bin/oldtool"),
      directory("./etc"),
      file("./etc/config", "old"),
      file(`./${long}`, "long"),
    ];
    const upgraded: TarNewEntry[] = [
      directory("usr/bin"),
      file("usr/bin/perl", "perl 2", { mode: 0o755 }),
      file("usr/bin/.wh.oldtool", ""),
      directory("var/cache", 0o700),
      file("var/cache/.wh..wh..opq", ""),
      file("var/cache/b"),
      link("etc/config.bak", "etc/config"),
      link("usr/long", long),
    ];
    const replaced: TarNewEntry[] = [file("etc/config", "new"), file(".wh.var", ""), symlink("var", "srv/var")];
    const stack = await Promise.all([bottom, upgraded, replaced].map((entries) => layer(...entries)));
    await inFolder(async (folder) => {
      const { tree } = await byGnuTar(extractLayers(stack.map(({ layer }) => layer)), folder);
      assertEquals(Object.fromEntries([...tree.files()].map(([path, { text }]) => [path, text])), {
        "bin": "usr/bin",
        "etc/config": "new",
        "etc/config.bak": "old",
        "usr/bin/perl": "perl 2",
        "usr/bin/perl5": "perl 1",
        "usr/long": "long",
        [long]: "long",
        "var": "srv/var",
      });
      assertStrictEquals(tree.fileAt("usr/long"), tree.fileAt(long));
    });
  });
});
