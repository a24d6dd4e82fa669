import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { TarError } from "../../src/errors.ts";
import { readTar, rewriteEntry, type TarEntry, type TarWriteEntry, writeTar } from "../../src/tar/mod.ts";
import { archive, extended, header, list, record } from "../make/archives.ts";
import { assertSameBytes, joined, latin1, utf8 } from "../make/bytes.ts";
import { collect, streamOf } from "../make/streams.ts";

const latin1Text = (bytes: Uint8Array) => String.fromCharCode(...bytes);

describe("an entry that was read", () => {
  const source = archive(
    extended("x", joined(record("path", "é"), record("SCHILY.xattr.user.a", latin1("\xff\0")))),
    header({ size: 5, uid: "  17 \0" }),
    utf8("hello"),
    extended("L", utf8("long\0"), { magic: "ustar  \0" }),
    header({ magic: "ustar  \0", typeflag: "2", linkname: "target" }),
    header({ magic: "", typeflag: "\0", name: "dir/" }),
    header({ typeflag: "V", name: "volume", size: 700 }),
    new Uint8Array(700).fill(1),
  );

  it("passes to another archive byte for byte", async () => {
    for (const size of [1, 600, 100_000]) {
      assertSameBytes(await collect(writeTar(readTar(streamOf(source, size)))), source);
    }
  });

  it("takes the global records in force with it", async () => {
    const globals = extended("g", joined(record("uid", "7"), record("comment", "all"), record("gname", "us")));
    const own = extended("x", joined(record("comment", ""), record("path", "own")));
    const bytes = archive(
      globals,
      header({ name: "a", uid: 1 }),
      own,
      extended("L", utf8("long\0")),
      header({ size: 1 }),
      utf8("x"),
    );
    const before = await list(bytes);
    const after = await list(await collect(writeTar(readTar(streamOf(bytes)))));
    assertEquals(after.map(({ entry, content }) => [entry.path, entry.uid, entry.gname, content]), [
      ["a", 7, "us", new Uint8Array(0)],
      ["long", 7, "us", utf8("x")],
    ]);
    assertEquals(before.map(({ entry }) => [entry.path, entry.uid]), after.map(({ entry }) => [entry.path, entry.uid]));
    assertEquals(after.map(({ entry }) => [entry.globals.size, [...entry.pax.keys()]]), [
      [2, ["uid"]],
      [2, ["comment", "path", "uid"]],
    ]);
  });

  it("takes the global records in force with it once, however many entries there are", async () => {
    const large = extended("g", record("SCHILY.xattr.user.a", "v".repeat(100_000)));
    const bytes = archive(large, ...Array.from({ length: 50 }, (_, i) => header({ name: `./f${i}` })));
    async function* renamed(): AsyncGenerator<TarWriteEntry> {
      for await (const entry of readTar(streamOf(bytes))) yield rewriteEntry(entry, { path: entry.path.slice(2) });
    }
    assertEquals((await collect(writeTar(readTar(streamOf(bytes))))).length, bytes.length);
    const copy = await collect(writeTar(renamed()));
    assertEquals(copy.length, bytes.length);
    assertEquals((await list(copy)).map(({ entry }) => entry.globals.get("SCHILY.xattr.user.a")?.length), [
      ...Array.from({ length: 50 }, () => 100_000),
    ]);
  });

  it("has no record of its own for what a global record says", async () => {
    const owner = "o".repeat(5000);
    const bytes = archive(
      extended("g", joined(record("uname", owner), record("path", "same"), record("linkpath", "target"))),
      ...Array.from({ length: 20 }, () => header({ typeflag: "2" })),
    );
    async function* rewritten(): AsyncGenerator<TarWriteEntry> {
      for await (const entry of readTar(streamOf(bytes))) yield rewriteEntry(entry);
    }
    const copy = await collect(writeTar(rewritten()));
    assertEquals(copy.length, bytes.length);
    for (const { entry } of await list(copy)) {
      assertEquals([entry.path, entry.linkname, entry.uname, entry.pax.size], ["same", "target", owner, 0]);
    }
  });

  it("keeps the global records of its own archive apart from those of another", async () => {
    const one = archive(
      extended("g", joined(record("comment", "one"), record("VENDOR.a", "1"), record("uid", "7"))),
      header({ name: "a" }),
    );
    const two = archive(extended("g", record("comment", "two")), header({ name: "b" }));
    async function* both(): AsyncGenerator<TarWriteEntry> {
      for (const bytes of [one, two]) yield* readTar(streamOf(bytes));
      yield { path: "c" };
      yield { type: "global", pax: [["VENDOR.b", "2"]] };
      yield* readTar(streamOf(two));
      yield { path: "d" };
    }
    const globals = (entry: TarEntry) => [...entry.globals].map(([key, value]) => `${key}=${latin1Text(value)}`).sort();
    const entries = await list(await collect(writeTar(both())));
    assertEquals(entries.map(({ entry }) => [entry.path, entry.uid, globals(entry)]), [
      ["a", 7, ["VENDOR.a=1", "comment=one"]],
      ["b", 0, ["comment=two"]],
      ["c", 0, []],
      ["b", 0, ["VENDOR.b=2", "comment=two"]],
      ["d", 0, ["VENDOR.b=2"]],
    ]);
  });

  it("has no size where it has no content", async () => {
    const size = record("size", "5000");
    const types = { s: "2", dir: "5", hard: "1", null: "3", pipe: "6" };
    const parts = Object.entries(types).map(([name, typeflag]) => ({ name, typeflag, linkname: "target", size: 5000 }));
    for (
      const bytes of [
        archive(extended("g", size), ...parts.map((part) => header({ ...part, size: 0 }))),
        archive(...parts.flatMap((part) => [extended("x", size), header({ ...part, size: 0 })])),
        archive(...parts.map((part) => header(part))),
      ]
    ) {
      const copy = await collect(writeTar(readTar(streamOf(bytes))));
      for (const { entry } of await list(copy)) {
        assertEquals([entry.pax.has("size"), entry.globals.has("size")], [false, false], entry.path);
        if (!["dir", "hard"].includes(entry.path)) assertEquals(entry.rawHeader.slice(124, 135), utf8("00000000000"));
      }
      assertEquals((await list(copy)).map(({ entry }) => entry.path), Object.keys(types));
    }
    const negative = archive(...["1", "5"].map((typeflag) => header({ typeflag, size: "\xff".repeat(12) })));
    const without = await list(await collect(writeTar(readTar(streamOf(negative)))));
    assertEquals(without.map(({ entry }) => entry.rawHeader.slice(124, 135)), Array(2).fill(utf8("00000000000")));
    const sized = archive(extended("g", record("size", "5")), header({ name: "f" }), utf8("hello"));
    const copy = await list(await collect(writeTar(readTar(streamOf(sized)))));
    assertEquals(copy.map(({ entry, content }) => [entry.pax.get("size"), content]), [[utf8("5"), utf8("hello")]]);
  });

  it("is a directory of an old format without the bytes behind it, over which Go and GNU tar pass", async () => {
    const old = { name: "old/", typeflag: "\0" };
    const behind = new Uint8Array(7).fill(1);
    for (
      const parts of [
        [header({ ...old, magic: "", size: 7 }), behind],
        [extended("x", record("size", "7")), header(old), behind],
        [extended("g", record("size", "7")), header(old), behind, extended("g", record("size", ""))],
      ]
    ) {
      const bytes = archive(...parts, header({ name: "next", size: 1 }), utf8("x"));
      const copy = await collect(writeTar(readTar(streamOf(bytes))));
      for (const archive of [bytes, copy]) {
        const entries = await list(archive);
        assertEquals(entries.map(({ entry, content }) => [entry.path, entry.type, entry.storedSize, content]), [
          ["old/", "directory", 0, new Uint8Array(0)],
          ["next", "file", 1, utf8("x")],
        ]);
      }
      assertEquals((await list(copy))[0].entry.rawHeader.slice(-512 + 124, -512 + 135), utf8("00000000000"));
    }
    await assertRejects(() => list(archive(header({ ...old, size: "\xff".repeat(12) }))), TarError, "is negative (-1)");
    const cut = header({ ...old, size: 700 });
    await assertRejects(() => list(cut), TarError, 'inside "old/": 700 of its 700 bytes are missing');
  });

  it("has no records of a sparse file where it is none, and no number that is empty or malformed", async () => {
    const junk = joined(record("GNU.sparse.realsize", "a"), record("GNU.sparse.size", "5"), record("gid", ""));
    const bytes = archive(
      extended("x", joined(junk, record("comment", "kept"))),
      header({ name: "plain" }),
      extended("x", joined(record("GNU.sparse.name", "named"), junk)),
      header({ name: "link", typeflag: "2", linkname: "target" }),
    );
    const entries = await list(await collect(writeTar(readTar(streamOf(bytes)))));
    assertEquals(entries.map(({ entry }) => [entry.path, [...entry.pax.keys()]]), [
      ["plain", ["comment"]],
      ["named", ["GNU.sparse.name"]],
    ]);
    const twice = archive(extended("x", joined(record("gid", "1.5"), record("gid", "1"))), header({}));
    await assertRejects(() => list(twice), TarError, 'the PAX record "gid" comes twice');
  });

  it("keeps the map of a sparse file behind the number of its regions, where its records are written anew", async () => {
    const map = joined(record("GNU.sparse.size", "2000"), record("GNU.sparse.map", "0,4,1024,6"));
    for (const counted of [joined(record("GNU.sparse.numblocks", "2"), map), map]) {
      const own = joined(counted, record("GNU.sparse.realsize", "x"));
      const bytes = archive(
        extended("g", record("uid", "7")),
        extended("x", own),
        header({ name: "holes", size: 10 }),
        utf8("0123456789"),
      );
      const copy = await collect(writeTar(readTar(streamOf(bytes))));
      const [{ entry, content }] = await list(copy);
      assertEquals([entry.sparse, content.length, entry.uid], [true, 2000, 7]);
      const text = latin1Text(copy);
      assertEquals(text.indexOf("GNU.sparse.numblocks=2") < text.indexOf("GNU.sparse.map="), true);
      assertEquals([text.includes("GNU.sparse.numblocks=2"), text.includes("realsize")], [true, false]);
    }
  });

  it("has a mode that can be written", async () => {
    const modes = ["\xff".repeat(8), "\x80\0\0\x01\0\0\x01\xa4"];
    async function* renamed(): AsyncGenerator<TarWriteEntry> {
      for await (const entry of readTar(streamOf(archive(...modes.map((mode) => header({ mode })))))) {
        yield rewriteEntry(entry, { path: "renamed" });
      }
    }
    const entries = await list(await collect(writeTar(renamed())));
    assertEquals(entries.map(({ entry }) => entry.mode), [0o7777, 0o644]);
  });

  it("has no empty record of a name, which GNU tar takes for the name", async () => {
    const empty = joined(
      record("path", ""),
      record("linkpath", ""),
      record("uname", ""),
      record("GNU.sparse.name", ""),
    );
    const bytes = archive(
      extended("x", joined(empty, record("comment", ""))),
      header({ name: "soft", typeflag: "2", linkname: "target", uname: "ann" }),
      extended("g", record("uname", "all")),
      extended("x", empty),
      header({ name: "other", uname: "bob" }),
    );
    const entries = await list(await collect(writeTar(readTar(streamOf(bytes)))));
    assertEquals(entries.map(({ entry }) => [entry.path, entry.linkname, entry.uname, [...entry.pax.keys()]]), [
      ["soft", "target", "ann", ["comment"]],
      ["other", "", "bob", ["uname"]],
    ]);
  });

  it("has device numbers that can be written", async () => {
    const devices = ["77777777", "\x80\0\0\x01\0\0\0\0"].map((devMinor) => header({ typeflag: "3", devMinor }));
    async function* renamed(): AsyncGenerator<TarWriteEntry> {
      for await (const entry of readTar(streamOf(archive(...devices)))) yield rewriteEntry(entry, { path: "renamed" });
    }
    const entries = await list(await collect(writeTar(renamed())));
    assertEquals(entries.map(({ entry }) => [entry.format, entry.devMinor]), [["ustar", 0xffffff], ["ustar", 2 ** 32]]);
  });

  it("can be written with changes", async () => {
    async function* moved(): AsyncGenerator<TarWriteEntry> {
      for await (const entry of readTar(streamOf(source, 600))) {
        yield rewriteEntry(entry, { path: `moved/${entry.path}`, mtime: 5 });
      }
    }
    const entries = await list(await collect(writeTar(moved())));
    assertEquals(entries.map(({ entry, content }) => [entry.path, entry.type, entry.mtime, content.length]), [
      ["moved/é", "file", 5, 5],
      ["moved/long", "symlink", 5, 0],
      ["moved/dir/", "directory", 5, 0],
      ["moved/volume", "unknown", 5, 700],
    ]);
    assertEquals(entries[0].entry.pax.get("SCHILY.xattr.user.a"), latin1("\xff\0"));
    assertEquals([entries[0].entry.uid, entries[1].entry.linkname, entries[3].entry.typeflag], [0o17, "target", "V"]);
  });
});
