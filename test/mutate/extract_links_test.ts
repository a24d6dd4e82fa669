import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { DigestMismatchError, TarError } from "../../src/errors.ts";
import { extractLayers } from "../../src/mutate/mod.ts";
import type { TarNewEntry } from "../../src/tar/mod.ts";
import {
  directory,
  file,
  itemsOf,
  layer,
  layerOf,
  link,
  listOf,
  symlink,
  tarOf,
  type TestLayer,
} from "../make/entry_layers.ts";

/** What a stack of layers gives, one text for each entry. */
async function linesOf(layers: readonly TestLayer[]): Promise<string[]> {
  const items = await itemsOf(extractLayers(layers.map(({ layer }) => layer)));
  return items.map(({ path, type, linkname, content }) =>
    type === "link" ? `${path} == ${linkname}` : type === "symlink" ? `${path} -> ${linkname}` : `${path}: ${content}`
  );
}

/** The same, where each layer must have been opened once. */
async function stackOf(...stack: TarNewEntry[][]): Promise<string[]> {
  const layers = await Promise.all(stack.map((entries) => layer(...entries)));
  const lines = await linesOf(layers);
  assertEquals(layers.map(({ opened }) => opened.length), layers.map(() => 1));
  return lines;
}

const whiteout = (path: string) => file(path, "");

describe("a hard link", () => {
  it("to a file of its layer follows it", async () => {
    assertEquals(await stackOf([file("a", "1"), link("b", "./a"), link("c", "/b")]), ["a: 1", "b == a", "c == a"]);
  });

  it("to a file of a lower layer waits for it", async () => {
    const lines = await stackOf([file("x"), file("a", "1")], [file("y")], [link("b", "a"), link("c", "b"), file("z")]);
    assertEquals(lines, ["z: content of z", "y: content of y", "x: content of x", "a: 1", "b == a", "c == a"]);
  });

  it("to a file that an upper layer replaces has what its own layer saw", async () => {
    assertEquals(await stackOf([file("a", "old")], [link("b", "a")], [file("a", "new")]), ["a: new", "b: old"]);
  });

  it("to a file that its own layer replaces later has what was there before", async () => {
    assertEquals(await stackOf([file("a", "old")], [link("b", "a"), file("a", "new")]), ["a: new", "b: old"]);
  });

  it("to a file that is taken away, by its own layer or one above, is the file, and others link to it", async () => {
    const lower = [file("d/a", "1")];
    const links = [link("b", "d/a"), link("c", "d/a")];
    assertEquals(await stackOf(lower, links, [whiteout(".wh.d")]), ["b: 1", "c == b"]);
    assertEquals(await stackOf(lower, links, [whiteout("d/.wh..wh..opq")]), ["b: 1", "c == b"]);
    assertEquals(await stackOf(lower, [...links, whiteout("d/.wh.a")]), ["b: 1", "c == b"]);
    assertEquals(await stackOf(lower, [link("b", "d/a")], [link("c", "d/a"), whiteout("d/.wh.a")]), ["b: 1", "c == b"]);
  });

  it("that is hidden is not there, but others may name it", async () => {
    assertEquals(await stackOf([file("a", "1"), link("b", "a")], [file("b", "2")]), ["b: 2", "a: 1"]);
    assertEquals(await stackOf([file("a", "1"), link("b", "a")], [link("c", "b"), whiteout(".wh.b")]), [
      "a: 1",
      "c == a",
    ]);
    assertEquals(await stackOf([file("a", "1")], [link("b", "a")], [link("c", "b"), whiteout(".wh.b")]), [
      "a: 1",
      "c == a",
    ]);
  });

  it("reaches its file over links of several layers", async () => {
    const lines = await stackOf(
      [file("a", "1")],
      [link("b", "a"), whiteout(".wh.a")],
      [link("c", "b"), whiteout(".wh.b")],
      [link("d", "c"), file("a", "2")],
    );
    assertEquals(lines, ["a: 2", "c: 1", "d == c"]);
  });

  it("has the file as it is in the end where its layer holds the name twice", async () => {
    assertEquals(await stackOf([file("a", "1"), file("a", "2")], [link("b", "a")]), ["a: 1", "a: 2", "b == a"]);
    const hidden = await stackOf([file("a", "1"), file("a", "2")], [link("b", "a"), whiteout(".wh.a")]);
    assertEquals(hidden.at(-1), "b: 2");
  });

  it("may name a symbolic link, a device or a fifo", async () => {
    const special: TarNewEntry[] = [symlink("s", "etc"), { path: "p", type: "fifo" }];
    const links = [link("s2", "s"), link("p2", "p")];
    const kept = await stackOf(special, links);
    assertEquals(kept, ["s -> etc", "p: undefined", "s2 == s", "p2 == p"]);
    const hidden = await stackOf(special, links, [whiteout(".wh.s"), whiteout(".wh.p")]);
    assertEquals(hidden, ["s2 -> etc", "p2: undefined"]);
  });

  it("to nothing is passed on as it is, after all that it could name", async () => {
    assertEquals(await stackOf([file("a", "1")], [link("b", "./nothing")]), ["a: 1", "b == nothing"]);
  });

  it("keeps the file's owner, times and attributes where it takes its place", async () => {
    const low = await layer(file("a", "1", { uid: 5, mtime: 12.5, pax: [["SCHILY.xattr.user.x", "v"]] }));
    const top = await layer(link("b", "a"), whiteout(".wh.a"));
    const [item] = await listOf(extractLayers([low.layer, top.layer]), (entry) => ({
      uid: entry.uid,
      mtime: entry.mtime,
      xattr: new TextDecoder().decode(entry.pax.get("SCHILY.xattr.user.x")),
    }));
    assertEquals(item, { uid: 5, mtime: 12.5, xattr: "v" });
  });
});

describe("a hard link to a file that went by hidden", () => {
  const hidden = () => layer(file("x"), file("a", "old"), link("b", "a"), file("y"), link("c", "b"));
  const hiding = () => layer(file("a", "new"));

  it("has its layer, and no other, read again", async () => {
    const stack = [await layer(file("low")), await hidden(), await hiding()];
    const lines = await linesOf(stack);
    assertEquals(lines, ["a: new", "x: content of x", "y: content of y", "b: old", "c == b", "low: content of low"]);
    assertEquals(stack.map(({ opened }) => opened.length), [1, 2, 1]);
  });

  it("does not where an upper layer's link has the file already", async () => {
    const stack = [await hidden(), await layer(file("a", "new"), link("d", "b"))];
    // The link names the layer's link, which is known to be that file only once it comes by.
    assertEquals((await linesOf(stack)).slice(-3), ["b: old", "c == b", "d == b"]);
    const direct = [await hidden(), await layer(link("d", "a"), file("a", "new"))];
    const lines = await linesOf(direct);
    assertEquals(lines, ["a: new", "x: content of x", "d: old", "b == d", "y: content of y", "c == d"]);
    assertEquals(direct.map(({ opened }) => opened.length), [1, 1]);
  });

  it("does not where something of its layer takes the link's own name", async () => {
    const stack = [await layer(file("a", "old"), link("b", "a"), file("b", "own")), await hiding()];
    assertEquals(await linesOf(stack), ["a: new", "b: own"]);
    assertEquals(stack.map(({ opened }) => opened.length), [1, 1]);
  });

  it("has the second reading verified too", async () => {
    const tar = await tarOf([file("a", "old"), link("b", "a"), file("z")]);
    const good = await layerOf(tar);
    const bad = await layerOf(tar, { spoil: (bytes) => bytes.with(600, 1) });
    const turns = [good.layer, bad.layer];
    const turning = { ...good.layer, uncompressed: () => turns.shift()!.uncompressed() };
    const { layer: top } = await hiding();
    await assertRejects(() => itemsOf(extractLayers([turning, top])), DigestMismatchError);
  });

  it("is how images of old Docker hold hard links: by an aufs bookkeeping name", async () => {
    const stack = [
      await layer(file(".wh..wh.plnk/1.2", "1"), link("a", ".wh..wh.plnk/1.2"), link("b", ".wh..wh.plnk/1.2")),
    ];
    assertEquals(await linesOf(stack), ["a: 1", "b == a"]);
  });
});

describe("a link that leaves the root (rule 10)", () => {
  it("is left out, and what lower layers have there does not come back", async () => {
    const names = ["../etc", "d/../../etc", "./../x"];
    for (const linkname of names) {
      const lower = [file("s", "1"), file("h", "1"), file("t", "1")];
      assertEquals(await stackOf(lower, [symlink("s", linkname), link("h", linkname)]), ["t: 1"]);
    }
  });

  it("is told by where a symbolic link stands", async () => {
    const lines = await stackOf([
      directory("a"),
      symlink("a/up", "../b"),
      symlink("a/out", "../../b"),
      symlink("a/b/c", "x/../../../d"),
      symlink("same", "a/../b"),
      symlink("dots", "..a/b.."),
    ]);
    assertEquals(lines, [
      "a/: undefined",
      "a/up -> ../b",
      "a/b/c -> x/../../../d",
      "same -> a/../b",
      "dots -> ..a/b..",
    ]);
  });

  it("stays if it is absolute", async () => {
    assertEquals(await stackOf([symlink("a", "/etc/../../x"), symlink("b", "/")]), ["a -> /etc/../../x", "b -> /"]);
  });

  it("is left out where only another name of a symbolic link would lead out", async () => {
    const target = symlink("a/b/s", "../../c");
    assertEquals(await stackOf([target, link("s", "a/b/s"), link("a/b/t", "a/b/s")]), [
      "a/b/s -> ../../c",
      "a/b/t == a/b/s",
    ]);
    const lines = await stackOf([target], [link("s", "a/b/s"), link("a/b/t", "a/b/s")], [whiteout("a/b/.wh.s")]);
    assertEquals(lines, ["a/b/t -> ../../c"]);
  });

  it("is still a file to the hard links that don't", async () => {
    const stack = [await layer(symlink("s", "../x"), link("a/b/s", "s"), link("t", "s"))];
    assertEquals(await linesOf(stack), ["a/b/s -> ../x"]);
  });
});

describe("a hard link's target", () => {
  it("is refused where it isn't a clean name", async () => {
    for (const target of ["a/../b", "\\a", "c:/a"]) {
      const { layer: bad } = await layer(link("x", target));
      await assertRejects(() => itemsOf(extractLayers([bad])), TarError);
    }
  });
});
