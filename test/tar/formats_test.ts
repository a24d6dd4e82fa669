import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { archive, extended, header, list, only, record } from "../make/archives.ts";
import { joined, latin1, utf8 } from "../make/bytes.ts";

describe("readTar reads", () => {
  it("an empty stream as an empty archive", async () => {
    assertEquals(await list(new Uint8Array(0)), []);
  });

  it("the end alone as an empty archive", async () => {
    assertEquals(await list(archive()), []);
  });

  it("v7", async () => {
    const { entry, content } = await only(archive(
      header({ name: "a/b", magic: "", typeflag: "\0", size: 5, uid: 7, gid: 8, mtime: 9, mode: 0o4755 }),
      utf8("hello"),
    ));
    assertEquals(
      [entry.path, entry.type, entry.typeflag, entry.mode, entry.uid, entry.gid, entry.mtime, entry.size, entry.format],
      ["a/b", "file", "0", 0o4755, 7, 8, 9, 5, "v7"],
    );
    assertEquals([entry.uname, entry.gname, entry.linkname, entry.devMajor, entry.sparse], ["", "", "", 0, false]);
    assertEquals(content, utf8("hello"));
  });

  it("a v7 file whose name ends in a slash as a directory", async () => {
    const { entry } = await only(archive(header({ name: "dir/", magic: "", typeflag: "\0" })));
    assertEquals([entry.path, entry.type], ["dir/", "directory"]);
  });

  it("ustar with a prefix, owners and device numbers", async () => {
    const { entry } = await only(archive(header({
      name: "null",
      at: { 345: "dev/of/a/long/way" },
      typeflag: "3",
      devMajor: 1,
      devMinor: 3,
      uname: "root",
      gname: "wheel",
    })));
    assertEquals(
      [entry.path, entry.type, entry.devMajor, entry.devMinor, entry.uname, entry.gname, entry.format],
      ["dev/of/a/long/way/null", "characterDevice", 1, 3, "root", "wheel", "ustar"],
    );
  });

  it("names that fill their fields to the last byte", async () => {
    const { entry } = await only(archive(header({
      name: "n".repeat(100),
      at: { 345: "p".repeat(155) },
      typeflag: "2",
      linkname: "l".repeat(100),
      uname: "u".repeat(32),
    })));
    assertEquals(entry.path, `${"p".repeat(155)}/${"n".repeat(100)}`);
    assertEquals([entry.linkname, entry.uname], ["l".repeat(100), "u".repeat(32)]);
  });

  it("every type", async () => {
    const flags = ["0", "1", "2", "3", "4", "5", "6", "7", "A", "V"];
    const entries = await list(archive(...flags.map((typeflag) => header({ typeflag, linkname: "target" }))));
    assertEquals(entries.map(({ entry }) => [entry.typeflag, entry.type]), [
      ["0", "file"],
      ["1", "link"],
      ["2", "symlink"],
      ["3", "characterDevice"],
      ["4", "blockDevice"],
      ["5", "directory"],
      ["6", "fifo"],
      ["7", "file"],
      ["A", "unknown"],
      ["V", "unknown"],
    ]);
  });

  it("the content of unknown types, and none of links, devices and directories whatever their size says", async () => {
    const entries = await list(archive(
      header({ typeflag: "A", name: "a", size: 3 }),
      utf8("abc"),
      header({ typeflag: "5", name: "b", size: 4096 }),
      header({ typeflag: "1", name: "c", size: 100, linkname: "a" }),
      header({ name: "d", size: 1 }),
      utf8("d"),
    ));
    assertEquals(entries.map(({ entry, content }) => [entry.path, entry.size, content.length]), [
      ["a", 3, 3],
      ["b", 0, 0],
      ["c", 0, 0],
      ["d", 1, 1],
    ]);
  });

  it("GNU long names and long link targets", async () => {
    const name = `${"d".repeat(150)}/${"n".repeat(150)}`;
    const gnu = { magic: "ustar  \0" };
    const { entry } = await only(archive(
      extended("K", utf8(`${"t".repeat(200)}\0`), gnu),
      extended("L", utf8(`${name}\0`), gnu),
      header({ name: name.slice(0, 100), typeflag: "2", linkname: "t".repeat(100), ...gnu }),
    ));
    assertEquals([entry.path, entry.linkname, entry.format], [name, "t".repeat(200), "gnu"]);
  });

  it("an empty GNU long name as none", async () => {
    const { entry } = await only(
      archive(extended("L", utf8("\0")), extended("K", utf8("")), header({ linkname: "b" })),
    );
    assertEquals([entry.path, entry.linkname], ["file", "b"]);
  });

  it("GNU base-256 numbers, negative ones too", async () => {
    const { entry } = await only(archive(header({
      magic: "ustar  \0",
      typeflag: "4",
      uid: "\x80\x00\x00\x00\xff\xff\xff\xfe",
      gid: "\xff\xff\xff\xff\xff\xff\xff\xfe",
      mtime: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00",
      devMajor: "\x80\x00\x00\x00\x01\x00\x00\x00",
      devMinor: "\x80\x00\x00\x00\x00\x20\x00\x00",
    })));
    assertEquals([entry.uid, entry.gid, entry.mtime], [4294967294, -2, -256]);
    assertEquals([entry.devMajor, entry.devMinor], [2 ** 24, 2 ** 21]);
  });

  it("octal with spaces and NULs about it, and rubbish behind a NUL", async () => {
    const { entry } = await only(archive(header({
      mode: "   644 \0",
      uid: "\0\0 17 \0\0",
      gid: "21\0rubbi",
      mtime: "00000000017",
      size: "00000000000 ",
    })));
    assertEquals([entry.mode, entry.uid, entry.gid, entry.mtime, entry.size], [0o644, 0o17, 0o21, 0o17, 0]);
  });

  it("the access and change times of GNU and star headers", async () => {
    const entries = await list(archive(
      header({ magic: "ustar  \0", at: { 345: "00000000017", 357: "00000000021" } }),
      header({ at: { 476: "00000000017 ", 488: "00000000021 ", 508: "tar\0" } }),
      header({}),
    ));
    assertEquals(entries.map(({ entry }) => [entry.atime, entry.ctime]), [[15, 17], [15, 17], [undefined, undefined]]);
  });

  it("the shorter prefix of star headers", async () => {
    const { entry } = await only(archive(header({
      at: { 345: "p".repeat(131), 476: "00000000017 ", 488: "00000000021 ", 508: "tar\0" },
    })));
    assertEquals(entry.path, `${"p".repeat(131)}/file`);
  });

  it("the prefix that old Docker wrote into GNU headers", async () => {
    const { entry } = await only(archive(header({ magic: "ustar  \0", at: { 345: "usr/share/doc" } })));
    assertEquals([entry.path, entry.atime], ["usr/share/doc/file", undefined]);
  });

  it("headers whose checksum was summed over signed bytes", async () => {
    const name = latin1("caf\xe9");
    const { entry } = await only(archive(header({ name, checksumOff: -256 })));
    assertEquals(entry.pathBytes, name);
  });
});

describe("readTar reads PAX", () => {
  it("records over the fields of the header", async () => {
    const { entry, content } = await only(archive(
      extended(
        "x",
        joined(
          record("path", "ünï/cödé"),
          record("linkpath", "ziel"),
          record("size", "5"),
          record("uid", "4000000000"),
          record("gid", "4000000001"),
          record("uname", "jürgen"),
          record("gname", "größe"),
          record("mtime", "-12.5"),
          record("atime", "1700000000.123456789"),
          record("ctime", "17."),
        ),
      ),
      header({ name: "short", size: 0, uid: 1, gid: 1, mtime: 1 }),
      utf8("hello"),
    ));
    assertEquals(
      [entry.path, entry.linkname, entry.size, entry.uid, entry.gid, entry.uname, entry.gname, entry.format],
      ["ünï/cödé", "ziel", 5, 4000000000, 4000000001, "jürgen", "größe", "pax"],
    );
    assertEquals([entry.mtime, entry.atime, entry.ctime], [-12.5, 1700000000.123456789, 17]);
    assertEquals(content, utf8("hello"));
  });

  it("arbitrary records as bytes, with newlines, equals signs and NULs in them", async () => {
    const value = latin1("\x00\x01\xff\n12 a=b\n=");
    const { entry } = await only(archive(
      extended("x", joined(record("SCHILY.xattr.user.é", value), record("VENDOR.empty", ""))),
      header({}),
    ));
    assertEquals([...entry.pax], [["SCHILY.xattr.user.é", value], ["VENDOR.empty", new Uint8Array(0)]]);
  });

  it("records for one entry alone", async () => {
    const entries = await list(archive(
      extended("x", record("path", "first")),
      header({ name: "a" }),
      header({ name: "b" }),
    ));
    assertEquals(entries.map(({ entry }) => [entry.path, entry.pax.size]), [["first", 1], ["b", 0]]);
  });

  it("the extended headers of Solaris", async () => {
    const { entry } = await only(archive(extended("X", record("path", "solaris")), header({})));
    assertEquals(entry.path, "solaris");
  });

  it("the last of several extended headers, as GNU tar and Go do", async () => {
    const { entry } = await only(archive(
      extended("x", joined(record("path", "first"), record("uid", "5"))),
      extended("x", record("path", "second")),
      header({ uid: 1 }),
    ));
    assertEquals([entry.path, entry.uid], ["second", 1]);
  });

  it("a GNU long name over a PAX path, as Go does", async () => {
    const { entry } = await only(archive(
      extended("L", utf8("long\0")),
      extended("x", record("path", "pax")),
      header({}),
    ));
    assertEquals(entry.path, "long");
  });

  it("global records until they change, and the entry's own over them", async () => {
    const entries = await list(archive(
      extended("g", joined(record("uid", "7"), record("comment", "abc"), record("gname", "all"))),
      header({ name: "a", uid: 1 }),
      extended("x", joined(record("uid", "8"), record("gname", ""))),
      header({ name: "b", gname: "own" }),
      extended("g", joined(record("uid", "9"), record("gname", ""))),
      header({ name: "c" }),
    ));
    assertEquals(entries.map(({ entry }) => [entry.path, entry.uid, entry.gname]), [
      ["a", 7, "all"],
      ["b", 8, "own"],
      ["c", 9, ""],
    ]);
    assertEquals([...entries[2].entry.globals.keys()], ["uid", "comment"]);
    assertEquals([...entries[0].entry.globals.get("comment") ?? []], [...utf8("abc")]);
    assertEquals(entries[0].entry.pax.size, 0);
  });

  it("global records between an entry's own and the entry", async () => {
    const { entry } = await only(archive(
      extended("x", record("path", "own")),
      extended("g", record("uid", "7")),
      header({}),
    ));
    assertEquals([entry.path, entry.uid], ["own", 7]);
  });

  it("global records with no entry after them", async () => {
    assertEquals(await list(archive(extended("g", record("comment", "abc")))), []);
  });
});

describe("names that are not UTF-8", () => {
  it("keep their bytes, and their text tells them apart", async () => {
    const names = [
      "caf\xe9",
      "caf\xe8",
      "caf\xc3\xa9",
      "\xed\xa0\x80",
      "\xef\xbb\xbfbom",
      "\xf0\x9f\x90\x8b",
      "\xc0\xaf",
    ];
    const entries = await list(archive(...names.map((name) => header({ name: latin1(name) }))));
    assertEquals(entries.map(({ entry }) => entry.pathBytes), names.map(latin1));
    assertEquals(entries.map(({ entry }) => entry.path), [
      "caf\udce9",
      "caf\udce8",
      "café",
      "\udced\udca0\udc80",
      "\ufeffbom",
      "🐋",
      "\udcc0\udcaf",
    ]);
  });
});
