import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { readTar, rewriteEntry, type TarWriteEntry, writeTar } from "../../src/tar/mod.ts";
import { archive, extended, header, list, record } from "../make/archives.ts";
import { assertSameBytes, joined, latin1, utf8 } from "../make/bytes.ts";
import { collect, streamOf } from "../make/streams.ts";

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
      [0, ["comment", "gname", "uid"]],
      [0, ["gname", "path", "uid"]],
    ]);
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
