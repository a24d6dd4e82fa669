import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { toBytes } from "@std/streams/to-bytes";
import { TarError } from "../../src/errors.ts";
import { extractLayers } from "../../src/mutate/mod.ts";
import { readTar, type TarEntry, type TarNewEntry } from "../../src/tar/mod.ts";
import { joined, utf8 } from "../make/bytes.ts";
import { archive, extended, header, padded, record } from "../make/archives.ts";
import { file, itemsOf, layer, layerOf, link, listOf, symlink, tarOf } from "../make/entry_layers.ts";

/** What of an entry must not change on its way. */
async function facts(entry: TarEntry) {
  const { path, type, mode, uid, gid, uname, gname, mtime, linkname, size, devMajor, devMinor } = entry;
  const pax = [...entry.pax].filter(([key]) => key.startsWith("SCHILY.")).map(([key, value]) => [key, [...value]]);
  const content = [...await entry.bytes()];
  return { path, type, mode, uid, gid, uname, gname, mtime, linkname, size, devMajor, devMinor, pax, content };
}

const long = `${"directory/".repeat(30)}${"n".repeat(200)}`;
const xattr: [string, Uint8Array<ArrayBuffer>] = [
  "SCHILY.xattr.security.capability",
  new Uint8Array([1, 0, 255, 10, 0]),
];
const entries: TarNewEntry[] = [
  file("plain", "x", { uid: 3_000_000, gid: 7, uname: "user", gname: "group", mtime: 1700000000.25, mode: 0o4755 }),
  file("capable", "x", { pax: [xattr] }),
  { path: "attributed/", type: "directory", mode: 0o1777, pax: [xattr] },
  file(long),
  symlink("to", long),
  link("hard", long),
  file("umläut"),
  { path: new Uint8Array([0x66, 0xff, 0x66]), content: utf8("not UTF-8") },
  { path: "device", type: "blockDevice", devMajor: 259, devMinor: 70000 },
  file("old", "x", { mtime: -5 }),
];

describe("extract passes on", () => {
  it("names, owners, times, modes, attributes and contents as they are", async () => {
    for (const format of ["pax", "gnu"] as const) {
      const fit = entries.filter(({ pax }) => format === "pax" || pax === undefined);
      const tar = await tarOf(fit, { format });
      const { layer: top } = await layer(file("top"));
      const { layer: bottom } = await layerOf(tar);
      const [, ...passed] = await listOf(extractLayers([bottom, top]), facts);
      assertEquals(passed, await listOf(new Response(tar).body!, facts));
    }
  });

  it("the same where names are cleaned", async () => {
    const dotted = entries.map((entry) =>
      typeof entry.path === "string" ? { ...entry, path: `./${entry.path}` } : entry
    );
    const { layer: bottom } = await layerOf(await tarOf(dotted));
    assertEquals(
      await listOf(extractLayers([bottom]), facts),
      await listOf(new Response(await tarOf(entries)).body!, facts),
    );
  });

  it("global PAX records, in force for the entries that they are about", async () => {
    const tar = archive(
      extended("g", joined(record("uname", "global"), record("SCHILY.xattr.user.g", "1"))),
      header({ name: "a" }),
      header({ name: "./b" }),
    );
    const other = await layer(file("c"));
    const { layer: bottom } = await layerOf(tar);
    const found = await listOf(
      extractLayers([other.layer, bottom]),
      (entry) => [entry.path, entry.uname, entry.globals.size],
    );
    assertEquals(found, [["a", "global", 2], ["b", "global", 2], ["c", "", 0]]);
  });

  it("sparse files without filling their holes", async () => {
    const size = 8 * 1024 * 1024;
    const map = utf8(`1\n${size - 512}\n512\n`);
    const data = new Uint8Array(512).fill(7);
    const sparse = (name: string) =>
      joined(
        extended(
          "x",
          joined(
            record("GNU.sparse.major", "1"),
            record("GNU.sparse.minor", "0"),
            record("GNU.sparse.name", name),
            record("GNU.sparse.realsize", String(size)),
          ),
        ),
        header({ name: "GNUSparseFile.0/x", size: 1024 }),
        padded(map),
        data,
      );
    const tar = archive(sparse("holes"), header({ name: "after" }));
    const bottom = await layerOf(tar);
    const out = await toBytes(extractLayers([bottom.layer])) as Uint8Array<ArrayBuffer>;
    assertEquals(out.length < 16 * 1024, true, `${out.length} bytes`);
    const read = async (entry: TarEntry) => [entry.path, entry.size, [...(await entry.bytes()).subarray(-513, -510)]];
    assertEquals(await listOf(new Response(out).body!, read), [["holes", size, [0, 7, 7]], ["after", 0, []]]);

    // Under another name, the content is the same.
    const top = await layer(link("linked", "holes"), file(".wh.holes", ""));
    const linked = await listOf(extractLayers([bottom.layer, top.layer]), read);
    assertEquals(linked, [["linked", size, [0, 7, 7]], ["after", 0, []]]);
  });

  it("the same bytes each time", async () => {
    const stack = await Promise.all([layer(...entries), layer(file("top"), link("b", "plain"))]);
    const extracted = () => toBytes(extractLayers(stack.map(({ layer }) => layer)));
    assertEquals(await extracted(), await extracted());
  });
});

describe("extract refuses (rule 10)", () => {
  const unsafe = [
    "../x",
    "a/../../x",
    "a/../x",
    "a/..",
    "..",
    "/../x",
    "a\\..\\x",
    "\\x",
    "\\\\host\\share",
    "c:x",
    "C:/x",
  ];

  for (const path of unsafe) {
    it(`the name ${path}, also where it is hidden or a whiteout's`, async () => {
      for (const entry of [file(path), { path, type: "directory" } as const, symlink(path, "x"), link(path, "ok")]) {
        const { layer: bad } = await layer(file("ok"), entry);
        const error = await assertRejects(() => itemsOf(extractLayers([bad])), TarError);
        assertEquals(error.message.includes(JSON.stringify(path)), true, error.message);
      }
      const { layer: bad } = await layer(file(path));
      const { layer: hiding } = await layer(file(".wh..wh..opq", ""));
      await assertRejects(() => itemsOf(extractLayers([bad, hiding])), TarError);
    });
  }

  it("whiteouts that lead elsewhere", async () => {
    const { layer: bad } = await layer(file("a/../.wh.x", ""));
    await assertRejects(() => itemsOf(extractLayers([bad])), TarError);
    // A whiteout of "..", which can't be a name.
    const { layer: odd } = await layer(file("d/.wh...", ""));
    const { layer: low } = await layer(file("d/a"), file("b"));
    assertEquals((await itemsOf(extractLayers([low, odd]))).map(({ path }) => path), ["d/a", "b"]);
  });

  it("no name with dots, a colon or a backslash inside", async () => {
    const fine = ["..a", "a..", "a/...", "ab:c", "d/a:b", "a\\b", ".wha"];
    const { layer: good } = await layer(...fine.map((path) => file(path)));
    assertEquals((await itemsOf(extractLayers([good]))).map(({ path }) => path), fine);
  });

  it("the layer of a name that leads out before anything after it is given", async () => {
    const { layer: bad } = await layer(file("before"), file("../x"), file("after"));
    const seen: string[] = [];
    const reading = async () => {
      for await (const entry of readTar(extractLayers([bad]))) seen.push(entry.path);
    };
    await assertRejects(reading, TarError);
    assertEquals(seen.includes("after"), false);
  });
});
