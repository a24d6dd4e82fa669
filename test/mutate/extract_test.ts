import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { emptyImage, imageFromUncompressed, type Layer } from "../../src/image/mod.ts";
import { extract, extractLayers } from "../../src/mutate/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import type { TarNewEntry } from "../../src/tar/mod.ts";
import { directory, file, itemsOf, layer, layerOf, link, symlink } from "../make/entry_layers.ts";

/** The names that a stack of layers gives, in the order of the archive. */
async function namesOf(...stack: TarNewEntry[][]): Promise<string[]> {
  const layers = await Promise.all(stack.map((entries) => layer(...entries)));
  const items = await itemsOf(extractLayers(layers.map(({ layer }) => layer)));
  return items.map(({ path, content }) =>
    content === undefined || content.startsWith("content of") ? path : `${path}=${content}`
  );
}

const whiteout = (path: string) => file(path, "");

describe("extract", () => {
  it("gives what is left of each layer, the top one first", async () => {
    const names = await namesOf(
      [directory("etc"), file("etc/motd", "old"), file("etc/passwd"), file("bottom")],
      [file("etc/motd", "new"), file("middle")],
      [file("top")],
    );
    assertEquals(names, ["top", "etc/motd=new", "middle", "etc/", "etc/passwd", "bottom"]);
  });

  it("takes the layers of an image", async () => {
    const { layer: bottom } = await layer(file("a", "1"), file("b", "1"));
    const { layer: top } = await layer(file("a", "2"));
    const image = imageFromUncompressed({
      rawConfigFile: async () =>
        jsonBytes({ rootfs: { type: "layers", diff_ids: [await bottom.diffId(), await top.diffId()] } }),
      layers: () => Promise.resolve([bottom, top]),
    });
    const items = await itemsOf(extract(image));
    assertEquals(items.map(({ path, content }) => [path, content]), [["a", "2"], ["b", "1"]]);
  });

  it("gives an empty archive for an image without layers, and for layers without entries", async () => {
    assertEquals(await itemsOf(extract(emptyImage())), []);
    assertEquals(await itemsOf(extractLayers([])), []);
    const { layer: nothing } = await layer();
    const { layer: noBytes } = await layerOf(new Uint8Array(0));
    assertEquals(await itemsOf(extractLayers([nothing, noBytes, nothing])), []);
  });

  it("does nothing before the archive is read", () => {
    const untouched = { uncompressed: () => Promise.reject(new Error("opened")) } as unknown as Layer;
    extractLayers([untouched]);
  });

  it("shows the directory of the topmost layer that has one", async () => {
    const layers = await Promise.all([
      layer(directory("d", 0o700), file("d/low")),
      layer(directory("d", 0o750)),
      layer(file("d/high")),
    ]);
    const items = await itemsOf(extractLayers(layers.map(({ layer }) => layer)));
    assertEquals(items.map(({ path, mode }) => [path, mode]), [["d/high", 0o644], ["d/", 0o750], ["d/low", 0o644]]);
  });

  it("keeps the entry of the root, and cleans the names of the others", async () => {
    const names = await namesOf(
      [{ path: "./", type: "directory" }, directory("./a"), file(".//a/./b"), file("/c"), {
        path: "d",
        type: "directory",
      }],
      [{ path: "./", type: "directory" }],
    );
    assertEquals(names, ["./", "a/", "a/b", "c", "d/"]);
  });

  it("passes on what a layer holds twice, in its order", async () => {
    assertEquals(await namesOf([file("a", "1"), file("a", "2")], [file("b")]), ["b", "a=1", "a=2"]);
  });
});

describe("a whiteout", () => {
  it("hides a file and a whole directory of lower layers", async () => {
    const names = await namesOf(
      [file("a"), directory("d"), file("d/x"), directory("d/e"), file("d/e/y"), file("dx")],
      [whiteout(".wh.a"), whiteout(".wh.d")],
    );
    assertEquals(names, ["dx"]);
  });

  it("hides nothing of its own layer, wherever it stands in it", async () => {
    const lower = [file("d/old"), file("a", "old")];
    const before = [whiteout(".wh.d"), file("d/new"), whiteout(".wh.a"), file("a", "new")];
    assertEquals(await namesOf(lower, before), ["d/new", "a=new"]);
    assertEquals(await namesOf(lower, before.toReversed()), ["a=new", "d/new"]);
  });

  it("hides nothing of the layers above it", async () => {
    assertEquals(await namesOf([file("a", "1")], [whiteout(".wh.a")], [file("a", "2")]), ["a=2"]);
  });

  it("is none without a name, and in a directory's name", async () => {
    assertEquals(await namesOf([file("d/a")], [whiteout("d/.wh."), whiteout(".wh.")]), ["d/a"]);
    assertEquals(await namesOf([file("x/a")], [file(".wh.x/b")]), [".wh.x/b", "x/a"]);
  });

  it("that is opaque hides what lower layers have below its directory, and not the directory", async () => {
    const names = await namesOf(
      [directory("d"), file("d/old"), directory("d/e"), file("d/e/old"), file("other")],
      [file("d/new"), whiteout("d/.wh..wh..opq")],
    );
    assertEquals(names, ["d/new", "d/", "other"]);
  });

  it("that is opaque may be that of the root", async () => {
    const root: TarNewEntry = { path: "./", type: "directory" };
    assertEquals(await namesOf([root, file("old"), file("d/old")], [whiteout(".wh..wh..opq"), file("new")]), [
      "new",
      "./",
    ]);
  });

  it("of an aufs bookkeeping name means nothing, and neither does what is below one", async () => {
    const names = await namesOf(
      [file("aufs"), file("wh.aufs"), file("plnk")],
      [file(".wh..wh.aufs", ""), directory(".wh..wh.orph"), file(".wh..wh.plnk/1.2"), file("d/.wh..wh.aufs/x")],
    );
    assertEquals(names, ["aufs", "wh.aufs", "plnk"]);
  });
});

describe("another type in an upper layer", () => {
  it("replaces a directory with all below it", async () => {
    for (const upper of [file("d"), symlink("d", "x"), { path: "d", type: "fifo" } as const]) {
      assertEquals(await namesOf([directory("d"), file("d/x"), file("dd")], [upper]), ["d", "dd"]);
    }
  });

  it("replaces it also where it is hidden itself", async () => {
    const names = await namesOf([directory("d"), file("d/x")], [file("d")], [directory("d")]);
    assertEquals(names, ["d/"]);
  });

  it("replaces a file by a directory, also by one that only a path implies", async () => {
    for (const lower of [file("d"), symlink("d", "elsewhere"), { path: "d", type: "fifo" } as const]) {
      assertEquals(await namesOf([lower, file("e")], [directory("d")]), ["d/", "e"]);
      assertEquals(await namesOf([lower, file("e")], [file("d/x/y")]), ["d/x/y", "e"]);
    }
  });

  it("is told from a name that begins the same", async () => {
    assertEquals(await namesOf([file("ab/x"), file("a.b")], [file("a")]), ["a", "ab/x", "a.b"]);
  });
});

describe("a device, a fifo and a type of somebody's own", () => {
  it("are layered like files", async () => {
    const entries: TarNewEntry[] = [
      { path: "null", type: "characterDevice", devMajor: 1, devMinor: 3 },
      { path: "sda", type: "blockDevice", devMajor: 8 },
      { path: "pipe", type: "fifo" },
      { path: "own", type: "unknown", typeflag: "Z" },
    ];
    const { layer: low } = await layer(...entries);
    const { layer: top } = await layer(file("pipe"), link("zero", "null"));
    const items = await itemsOf(extractLayers([low, top]));
    assertEquals(items.map(({ path, type, device, linkname }) => [path, type, device ?? linkname]), [
      ["pipe", "file", undefined],
      ["null", "characterDevice", "1:3"],
      ["sda", "blockDevice", undefined],
      ["own", "unknown", undefined],
      ["zero", "link", "null"],
    ]);
  });
});
