import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { type DiskUse, diskUse, type DiskUseOptions } from "../../src/crane/mod.ts";
import { ManifestError, TarError } from "../../src/errors.ts";
import { emptyImage, type Image, staticLayer } from "../../src/image/mod.ts";
import { appendLayers } from "../../src/mutate/mod.ts";
import type { TarNewEntry } from "../../src/tar/mod.ts";
import { directory, file, layer, link, symlink, type TestLayer } from "../make/entry_layers.ts";

async function stack(...contents: TarNewEntry[][]): Promise<{ image: Image; layers: TestLayer[] }> {
  const layers = await Promise.all(contents.map((entries) => layer(...entries)));
  const image = appendLayers(
    emptyImage(),
    layers.map((one, i) => ({ layer: one.layer, history: { created_by: `step ${i}` } })),
  );
  return { image, layers };
}

/** A file of as many bytes. */
const sized = (path: string, size: number): TarNewEntry => file(path, "x".repeat(size));

async function useOf(contents: TarNewEntry[][], options?: DiskUseOptions): Promise<DiskUse> {
  return await diskUse((await stack(...contents)).image, options);
}

/** Used and wasted bytes of each layer, the bottom one first. */
const perLayer = ({ layers }: DiskUse) => layers.map(({ used, wasted }) => [used, wasted]);

describe("disk use", () => {
  it("tells layers and directories, and reads each layer once", async () => {
    const { image, layers } = await stack(
      [directory("usr"), sized("usr/lib/a/b/c", 100), sized("usr/bin/d", 10), sized("e", 1)],
      [sized("usr/lib/f", 1000), symlink("g", "e")],
    );
    const { layers: stored } = await image.manifest();
    assertEquals(await diskUse(image), {
      size: stored[0].size + stored[1].size,
      used: 1111,
      wasted: 0,
      layers: stored.map(({ digest, size }, i) => ({
        digest,
        size,
        used: [111, 1000][i],
        wasted: 0,
        createdBy: `step ${i}`,
      })),
      directories: [
        { path: "/", used: 1111, wasted: 0 },
        { path: "/usr", used: 1110, wasted: 0 },
        { path: "/usr/lib", used: 1100, wasted: 0 },
        { path: "/usr/bin", used: 10, wasted: 0 },
      ],
      wastedFiles: [],
    });
    assertEquals(layers.map(({ opened }) => opened.length), [1, 1]);
  });

  it("what a later layer deletes, replaces or makes opaque is wasted", async () => {
    const use = await useOf([
      [
        sized("gone", 1),
        sized("d/replaced", 10),
        sized("opaque/below", 100),
        sized("tree/a/b", 1000),
        sized("kept", 5),
      ],
      [file(".wh.gone", ""), sized("d/replaced", 20), file("opaque/.wh..wh..opq", ""), sized("opaque/new", 30)],
      [file("tree", "now a file")],
    ]);
    assertEquals(perLayer(use), [[5, 1111], [50, 0], [10, 0]]);
    assertEquals([use.used, use.wasted], [65, 1111]);
    assertEquals(use.wastedFiles, [
      { path: "/tree/a/b", size: 1000, layer: 0 },
      { path: "/opaque/below", size: 100, layer: 0 },
      { path: "/d/replaced", size: 10, layer: 0 },
      { path: "/gone", size: 1, layer: 0 },
    ]);
    assertEquals(use.directories.find(({ path }) => path === "/d"), { path: "/d", used: 20, wasted: 10 });
  });

  it("a file that comes back is not the one that was deleted", async () => {
    const use = await useOf([[sized("a", 1)], [file(".wh.a", "")], [sized("a", 2)]]);
    assertEquals(perLayer(use), [[0, 1], [0, 0], [2, 0]]);
  });

  it("content counts once for all its names, and is in use as long as one shows", async () => {
    const bottom = [sized("a", 100), link("b", "a")];
    assertEquals(perLayer(await useOf([bottom])), [[100, 0]]);
    assertEquals(perLayer(await useOf([bottom, [file(".wh.a", "")]])), [[100, 0], [0, 0]]);
    assertEquals(perLayer(await useOf([bottom, [file(".wh.b", "")]])), [[100, 0], [0, 0]]);
    assertEquals(perLayer(await useOf([bottom, [file(".wh.a", ""), file(".wh.b", "")]])), [[0, 100], [0, 0]]);
    const moved = await useOf([[sized("x/a", 100), link("y/b", "./x/a")], [file(".wh.x", "")]]);
    assertEquals(moved.directories.map(({ path, used }) => [path, used]), [["/", 100], ["/y", 100]]);
  });

  it("a name that a layer holds twice wastes what it had first", async () => {
    assertEquals(perLayer(await useOf([[sized("a", 100), sized("a", 1)]])), [[1, 100]]);
    assertEquals(perLayer(await useOf([[sized("a", 100), link("a", "a")]])), [[100, 0]]);
    assertEquals(perLayer(await useOf([[sized("a", 100), directory("a")]])), [[0, 100]]);
  });

  it("lists as many as asked for, and tells directories apart as deep", async () => {
    const contents = [[sized("a/b/c/d", 2), sized("e/f", 1)], [file(".wh.a", ""), file(".wh.e", "")]];
    const paths = (use: DiskUse) => use.directories.map(({ path }) => path);
    assertEquals(paths(await useOf(contents, { depth: 0 })), ["/"]);
    assertEquals(paths(await useOf(contents, { depth: 3 })), ["/", "/a", "/a/b", "/a/b/c", "/e"]);
    const one = await useOf(contents, { top: 1 });
    assertEquals([paths(one), one.wastedFiles.map(({ path }) => path), one.wasted], [["/"], ["/a/b/c/d"], 3]);
  });

  it("an image without layers takes nothing", async () => {
    assertEquals(await diskUse(emptyImage()), {
      size: 0,
      used: 0,
      wasted: 0,
      layers: [],
      directories: [],
      wastedFiles: [],
    });
  });

  it("an artifact is no image", async () => {
    const blob = await staticLayer(new TextEncoder().encode("hello"), "text/plain");
    const message = "is of type text/plain, not a layer of files";
    await assertRejects(() => diskUse(appendLayers(emptyImage(), [blob])), ManifestError, message);
  });

  it("a name that leaves the root is an error, and the layer that was read ahead is let go", async () => {
    const { image, layers } = await stack([sized("a", 8_000_000)], [{ path: "../a", content: new Uint8Array(1) }]);
    await assertRejects(() => diskUse(image), TarError, "..");
    for (const { cancels } of layers[0].opened) assertEquals(cancels.length, 1);
  });

  it("ends when it is told to", async () => {
    const { image } = await stack([sized("a", 10)]);
    const reason = new Error("enough");
    assertEquals(await assertRejects(() => diskUse(image, { signal: AbortSignal.abort(reason) })), reason);
  });
});
