import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TarError } from "../../src/errors.ts";
import {
  readTar,
  rewriteEntry,
  type TarNewEntry,
  type TarWriteEntry,
  type TarWriteOptions,
  writeTar,
} from "../../src/tar/mod.ts";
import { archive, extended, header, list, only, record } from "../make/archives.ts";
import { collect, streamOf } from "../make/streams.ts";
import { latin1, utf8 } from "../make/bytes.ts";

const made = (entries: Iterable<TarWriteEntry>, options?: TarWriteOptions) => collect(writeTar(entries, options));
const roundTrip = async (entry: TarNewEntry, options?: TarWriteOptions) =>
  (await only(await made([entry], options))).entry;
const refused = (entry: TarWriteEntry, message: string, options?: TarWriteOptions) =>
  assertRejects(() => made([entry], options), TarError, message);

describe("writeTar in format pax", () => {
  const big: TarNewEntry = {
    path: `${"d".repeat(120)}/${"é".repeat(200)}`,
    type: "symlink",
    linkname: "l".repeat(101),
    uid: 2097152,
    gid: 4294967294,
    uname: "u".repeat(33),
    gname: "größe",
    mtime: -1.5,
    atime: 1700000000.25,
    ctime: 8 ** 11,
    mode: 0o7777,
  };

  it("keeps what does not fit ustar in records", async () => {
    const entry = await roundTrip(big);
    assertEquals(
      [entry.path, entry.linkname, entry.uid, entry.gid, entry.uname, entry.gname, entry.mode],
      [big.path, big.linkname, big.uid, big.gid, big.uname, big.gname, big.mode],
    );
    assertEquals([entry.mtime, entry.atime, entry.ctime], [-1.5, 1700000000.25, 8 ** 11]);
    assertEquals([...entry.pax.keys()].sort(), [
      "atime",
      "ctime",
      "gid",
      "gname",
      "linkpath",
      "mtime",
      "path",
      "uid",
      "uname",
    ]);
  });

  it("writes plain ustar where all fits", async () => {
    const entry = await roundTrip({
      path: `${"p".repeat(155)}/${"n".repeat(100)}`,
      type: "link",
      linkname: "l".repeat(100),
      uid: 2097151,
      gid: 2097151,
      uname: "u".repeat(31),
      mtime: 8 ** 11 - 1,
    });
    assertEquals([entry.format, entry.path.length, entry.uid, entry.mtime], ["ustar", 256, 2097151, 8 ** 11 - 1]);
  });

  it("splits a path only where both parts fit and the name is not empty", async () => {
    const formats = [];
    for (
      const path of [
        `${"p".repeat(156)}/n`,
        `p/${"n".repeat(101)}`,
        `${"p".repeat(150)}/${"n".repeat(99)}/`,
        `/${"n".repeat(100)}`,
        `${"p".repeat(120)}/`,
        `p//${"n".repeat(100)}`,
      ]
    ) {
      const entry = await roundTrip({ path });
      assertEquals(entry.path, path);
      formats.push(entry.format);
    }
    assertEquals(formats, ["pax", "pax", "ustar", "pax", "pax", "ustar"]);
  });

  it("keeps names that are not UTF-8", async () => {
    for (const name of [latin1("caf\xe9"), latin1("\xff".repeat(300))]) {
      const entry = await roundTrip({ path: name, type: "symlink", linkname: name, uname: name.slice(0, 20) });
      assertEquals([entry.pathBytes, entry.linknameBytes], [name, name]);
      assertEquals(
        (await roundTrip({ path: entry.path, type: "symlink", linkname: entry.linkname })).rawHeader.length > 0,
        true,
      );
      assertEquals((await roundTrip({ path: entry.path })).pathBytes, name);
    }
  });

  it("announces 8 GiB and more", async () => {
    const size = 8 ** 11;
    const reader = writeTar([{
      path: "big",
      size,
      content: new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65536)) }),
    }])
      .getReader();
    const first = (await reader.read()).value;
    await reader.cancel();
    assert(first !== undefined);
    const entries = readTar(streamOf(first));
    const { value: entry } = await entries.next();
    assertEquals([entry?.size, entry?.pax.get("size")], [size, utf8("8589934592")]);
    await entries.return();
  });

  it("lets a field win over the record of the same name, and the record count without it", async () => {
    const pax: [string, string][] = [["uid", "5"], ["uname", "five"], ["mtime", "17.25"], ["path", "other"], [
      "size",
      "9",
    ]];
    const both = await roundTrip({ path: "a", uid: 6, uname: "six", mtime: 18, pax });
    assertEquals([both.path, both.uid, both.uname, both.mtime, both.size, both.pax.size], ["a", 6, "six", 18, 0, 0]);
    const alone = await roundTrip({ path: "a", pax });
    assertEquals([alone.path, alone.uid, alone.uname, alone.mtime, alone.size], ["a", 5, "five", 17.25, 0]);
  });

  it("keeps all digits of a time that was read", async () => {
    const mtime = "1700000000.123456789";
    const source = archive(extended("x", record("mtime", mtime)), header({}));
    const { entry } = await only(source);
    const again = await roundTrip(rewriteEntry(entry));
    assertEquals(again.pax.get("mtime"), utf8(mtime));
    const changed = await roundTrip(rewriteEntry(entry, { mtime: 1.5 }));
    assertEquals(changed.pax.get("mtime"), utf8("1.5"));
  });

  it("writes times without an exponent", async () => {
    const { pax, mtime } = await roundTrip({ path: "a", mtime: 1e-7 });
    assertEquals([pax.get("mtime"), mtime], [utf8("0.000000100"), 1e-7]);
  });

  it("writes global records, and over them what entries say themselves", async () => {
    const entries = await list(
      await made([
        { type: "global", pax: [["uid", "7"], ["mtime", "9"], ["comment", "hi"]] },
        { path: "a" },
        { path: "b", uid: 0, mtime: 3 },
        { type: "global", pax: [["uid", ""]] },
        { path: "c" },
      ]),
    );
    assertEquals(entries.map(({ entry }) => [entry.path, entry.uid, entry.mtime]), [["a", 7, 9], ["b", 0, 3], [
      "c",
      0,
      9,
    ]]);
    assertEquals(entries[0].entry.globals.get("comment"), utf8("hi"));
  });
});

describe("writeTar in format gnu", () => {
  const format = "gnu";
  it("keeps long names in L and K records and large numbers in base-256", async () => {
    const bytes = await made([{
      path: "p".repeat(300),
      type: "link",
      linkname: "é".repeat(100),
      uid: 4294967295,
      gid: -2,
      mtime: -86400.5,
      atime: 5,
      ctime: -6,
    }], { format });
    const { entry } = await only(bytes);
    assertEquals(
      [entry.path, entry.linkname, entry.uid, entry.gid, entry.mtime, entry.atime, entry.ctime],
      ["p".repeat(300), "é".repeat(100), 4294967295, -2, -86401, 5, -6],
    );
    assertEquals([entry.format, entry.pax.size, entry.rawHeader.length], ["gnu", 0, 5 * 512]);
  });

  it("keeps device numbers and sizes past the old limits", async () => {
    const device = await roundTrip({ path: "d", type: "blockDevice", devMajor: 2 ** 32 - 1, devMinor: 2 ** 21 }, {
      format,
    });
    assertEquals([device.devMajor, device.devMinor], [2 ** 32 - 1, 2 ** 21]);
  });

  it("refuses records and long owners", async () => {
    await refused(
      { path: "a", pax: [["SCHILY.xattr.user.a", "1"]] },
      'tar entry "a": its PAX record "SCHILY.xattr.user.a" does not fit format "gnu"',
      { format },
    );
    await refused({ path: "a", uname: "u".repeat(32) }, 'tar entry "a": its uname', { format });
    await refused({ type: "global", pax: [] }, 'global PAX records do not fit format "gnu"', { format });
  });
});

describe("writeTar in format ustar", () => {
  const format = "ustar";
  it("writes names that are not ASCII as they are", async () => {
    const entry = await roundTrip({ path: "ünï", uname: "jürgen" }, { format });
    assertEquals([entry.path, entry.uname, entry.format], ["ünï", "jürgen", "ustar"]);
  });

  it("drops the fraction of a time", async () => {
    assertEquals((await roundTrip({ path: "a", mtime: 1.9 }, { format })).mtime, 1);
  });

  const MISFITS: Record<string, [entry: TarNewEntry, message: string]> = {
    "a long path": [{ path: "p".repeat(101) }, `tar entry "${"p".repeat(101)}": its path`],
    "a long link target": [{ path: "a", type: "link", linkname: "l".repeat(101) }, "its linkpath"],
    "a long owner": [{ path: "a", gname: "g".repeat(32) }, "its gname"],
    "a large uid": [{ path: "a", uid: 2097152 }, 'its uid "2097152" does not fit format "ustar"'],
    "a negative gid": [{ path: "a", gid: -1 }, "its gid"],
    "a large size": [{ path: "a", size: 8 ** 11, content: new ReadableStream() }, "its size"],
    "a negative time": [{ path: "a", mtime: -1 }, "its mtime -1 does not fit"],
    "an access time": [{ path: "a", atime: 1 }, "its atime 1 does not fit"],
    "a device number": [{ path: "a", type: "characterDevice", devMajor: 8 ** 7 }, "its devMajor 2097152 does not fit"],
    "records": [{ path: "a", pax: [["a", "b"]] }, 'its PAX record "a" does not fit'],
  };
  for (const [name, [entry, message]] of Object.entries(MISFITS)) {
    it(`refuses ${name}`, () => refused(entry, message, { format }).then(() => {}));
  }
});
