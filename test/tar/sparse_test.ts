import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LimitError, TarError } from "../../src/errors.ts";
import { type Bytes, readTar, writeTar } from "../../src/tar/mod.ts";
import { TarWalker } from "../../src/tar/walker.ts";
import { archive, extended, header, list, only, padded, record } from "../make/archives.ts";
import { assertSameBytes, joined, latin1, utf8 } from "../make/bytes.ts";
import { collect, streamOf } from "../make/streams.ts";

const octal = (value: number) => `${value.toString(8).padStart(11, "0")}\0`;
const pairs = (...numbers: number[]) => numbers.map(octal).join("");

/** "AAAA", 1020 zeros, "BBBBBB", 970 zeros. */
const EXPANDED = (() => {
  const bytes = new Uint8Array(2000);
  bytes.set(utf8("AAAA"));
  bytes.set(utf8("BBBBBB"), 1024);
  return bytes;
})();
const STORED = utf8("AAAABBBBBB");

const oldHeader = (sparse: string, fields: { size: number; realSize?: number; extended?: string }) =>
  header({
    name: "holes",
    magic: "ustar  \0",
    typeflag: "S",
    size: fields.size,
    at: { 386: sparse, 482: fields.extended ?? "\0", 483: octal(fields.realSize ?? 2000) },
  });

const OLD = archive(oldHeader(pairs(0, 4, 1024, 6, 2000, 0), { size: 10 }), STORED, header({ name: "next" }));

const V0 = joined(record("GNU.sparse.size", "2000"), record("GNU.sparse.numblocks", "2"));
const PAX_0_0 = archive(
  extended(
    "x",
    joined(
      V0,
      record("GNU.sparse.offset", "0"),
      record("GNU.sparse.numbytes", "4"),
      record("GNU.sparse.offset", "1024"),
      record("GNU.sparse.numbytes", "6"),
    ),
  ),
  header({ name: "holes", size: 10 }),
  STORED,
  header({ name: "next" }),
);

const PAX_0_1 = archive(
  extended("x", joined(V0, record("GNU.sparse.name", "holes"), record("GNU.sparse.map", "0,4,1024,6"))),
  header({ name: "./GNUSparseFile.1/holes", size: 10 }),
  STORED,
  header({ name: "next" }),
);

const V1 = joined(
  record("GNU.sparse.major", "1"),
  record("GNU.sparse.minor", "0"),
  record("GNU.sparse.name", "holes"),
  record("GNU.sparse.realsize", "2000"),
);
const version1 = (map: string) => {
  const stored = joined(padded(utf8(map)), STORED);
  return archive(
    extended("x", V1),
    header({ name: "./GNUSparseFile.1/holes", size: stored.length }),
    stored,
    header({ name: "next" }),
  );
};
const PAX_1_0 = version1("2\n0\n4\n1024\n6\n");

const FORMATS = { "old GNU": OLD, "PAX 0.0": PAX_0_0, "PAX 0.1": PAX_0_1, "PAX 1.0": PAX_1_0 };

describe("a sparse file", () => {
  for (const [name, bytes] of Object.entries(FORMATS)) {
    it(`of format ${name} is read expanded`, async () => {
      for (const size of [1, 7, 511, 100_000]) {
        const [holes, next] = await list(streamOf(bytes, size));
        assertEquals([holes.entry.path, holes.entry.type, holes.entry.size], ["holes", "file", 2000]);
        assertEquals([holes.entry.sparse, holes.entry.storedSize], [true, 10]);
        assertSameBytes(holes.content, EXPANDED);
        assertEquals(next.entry.path, "next");
      }
    });

    it(`of format ${name} is skipped`, async () => {
      const paths = [];
      for await (const entry of readTar(streamOf(bytes, 700))) {
        paths.push(entry.path);
        if (entry.path === "holes") await entry.read();
      }
      assertEquals(paths, ["holes", "next"]);
    });

    it(`of format ${name} passes to another archive as it is`, async () => {
      assertSameBytes(await collect(writeTar(readTar(streamOf(bytes, 700)))), bytes);
    });
  }

  it("with more regions than its header holds has extension headers", async () => {
    const count = 4 + 21 + 5;
    const regions = Array.from({ length: count }, (_, i) => [i * 1000, 1]).flat();
    const size = count * 1000;
    const bytes = archive(
      oldHeader(pairs(...regions.slice(0, 8)), { size: count, realSize: size, extended: "\x01" }),
      latin1(`${pairs(...regions.slice(8, 50))}\x01`),
      latin1(pairs(...regions.slice(50))),
      new Uint8Array(count).fill(7),
    );
    const { entry, content } = await only(bytes);
    assertEquals([entry.size, entry.storedSize, entry.rawHeader.length], [size, count, 3 * 512]);
    assertSameBytes(content, Uint8Array.from({ length: size }, (_, i) => i % 1000 === 0 ? 7 : 0));
  });

  it("with a map of many blocks in front of it is read whole", async () => {
    const count = 5000;
    const map = [count, ...Array.from({ length: count }, (_, i) => [i * 10, 1]).flat()].join("\n") + "\n";
    const stored = joined(padded(utf8(map)), new Uint8Array(count).fill(7));
    const bytes = archive(
      extended("x", joined(record("GNU.sparse.major", "1"), record("GNU.sparse.realsize", String(count * 10)))),
      header({ size: stored.length }),
      stored,
    );
    const { content } = await only(bytes);
    assertSameBytes(content, Uint8Array.from({ length: count * 10 }, (_, i) => i % 10 === 0 ? 7 : 0));
    await assertRejects(() => only(bytes, { maxHeaderSize: 20_000 }), LimitError);
  });

  it("may be one hole", async () => {
    const size = record("GNU.sparse.size", "100");
    const entries = await list(archive(
      extended("x", joined(size, record("GNU.sparse.numblocks", "0"))),
      header({ name: "a" }),
      extended("x", joined(size, record("GNU.sparse.map", ""))),
      header({ name: "b" }),
      extended("x", joined(size, record("GNU.sparse.map", "100,0"))),
      header({ name: "c" }),
      oldHeader(pairs(100, 0), { size: 0, realSize: 100 }),
    ));
    assertEquals(entries.map(({ content }) => content), Array(4).fill(new Uint8Array(100)));
  });

  it("of a terabyte is skipped at once", async () => {
    const bytes = archive(oldHeader(pairs(2 ** 33 - 2, 1), { size: 1, realSize: 2 ** 33 - 1 }), utf8("a"));
    const [entry] = await Array.fromAsync(readTar(streamOf(bytes)));
    assertEquals(entry.size, 2 ** 33 - 1);
    await assertRejects(() => only(bytes), LimitError, "8589934591 bytes, the limit is 67108864");
  });

  it("gives fresh zeros for each hole", async () => {
    for await (
      const entry of readTar(streamOf(archive(oldHeader(pairs(199_999, 1), { size: 1, realSize: 200_000 }), utf8("a"))))
    ) {
      for (let piece = await entry.read(); piece !== undefined; piece = await entry.read()) {
        assertEquals(piece.every((byte) => byte === 0 || byte === 97), true);
        piece.fill(1);
      }
    }
  });

  it("can't change to its stored form once it was read", () => {
    const walker = new TarWalker();
    walker.feed(OLD);
    assertEquals([walker.step(), walker.step()], ["entry", "content"]);
    assertThrows(() => walker.useStored(), TypeError, "was read already");
  });
});

describe("a sparse file is refused with", () => {
  const zero1 = (map: string, fields: { size?: number; stored?: Bytes; real?: string } = {}) =>
    archive(
      extended("x", joined(record("GNU.sparse.size", fields.real ?? "2000"), record("GNU.sparse.map", map))),
      header({ name: "holes", size: fields.size ?? 10 }),
      fields.stored ?? STORED,
    );
  const REFUSED: Record<string, [archive: Bytes, message: string]> = {
    "regions that overlap": [zero1("0,4,3,6"), "its sparse regions overlap at byte 3"],
    "regions that go backwards": [zero1("1024,4,0,6"), "its sparse regions overlap at byte 0"],
    "regions past its end": [zero1("0,4,1995,6"), "its sparse regions end at byte 2001 of a file of 2000 bytes"],
    "regions that hold too little": [zero1("0,4"), "its sparse regions hold 4 bytes, but the archive stores 10"],
    "regions that hold too much": [zero1("0,11"), "its sparse regions hold 11 bytes, but the archive stores 10"],
    "a map of odd length": [zero1("0,4,1024"), "its sparse map is not a list of offsets and lengths"],
    "a map of words": [zero1("0,four"), "its sparse map is not a list"],
    "a negative offset": [zero1("-1,10"), "its sparse map is not a list"],
    "a size that is no number": [zero1("0,10", { real: "big" }), 'its GNU.sparse.size "big" is no number'],
    "no full size": [
      archive(extended("x", record("GNU.sparse.map", "0,10")), header({ size: 10 }), STORED),
      "it is sparse, but its full size is missing",
    ],
    "a version from the future": [
      archive(extended("x", joined(record("GNU.sparse.major", "2"), record("GNU.sparse.minor", "1"))), header({})),
      "it is sparse in the unknown format 2.1",
    ],
    "offsets without lengths": [
      archive(
        extended("x", joined(V0, record("GNU.sparse.offset", "0"), record("GNU.sparse.offset", "1"))),
        header({}),
      ),
      "its PAX sparse offsets and lengths do not alternate",
    ],
    "a negative size in the old format": [
      archive(
        header({ magic: "ustar  \0", typeflag: "S", at: { 386: pairs(0, 0), 483: "\xff".repeat(12) } }),
      ),
      "its size is negative (-1)",
    ],
    "a region that is no number in the old format": [
      archive(oldHeader("hello world!" + octal(1), { size: 1 }), utf8("a")),
      "its sparse map is not a list of offsets and lengths",
    ],
    "the old format of another writer": [
      archive(header({ typeflag: "S" })),
      "it is sparse in a format that is not GNU tar's",
    ],
    "PAX records in front of a header of an older format": [
      archive(
        extended("x", joined(V0, record("GNU.sparse.map", "0,4,1024,6"))),
        header({ size: 10, magic: "" }),
        STORED,
      ),
      "it is sparse by PAX records, and its header is of a format without them",
    ],
    "a map that has no number of regions": [version1("two\n0\n4\n1024\n6\n"), "its sparse map is not a list"],
    "a map that has no line": [version1("1".repeat(512)), "its sparse map is not a list"],
    "a map that runs out of blocks": [version1("9\n0\n4\n1024\n6\n"), "its sparse map is longer than what the archive"],
    "a map with a word in it": [version1("2\n0\n4\nfar\n6\n"), "its sparse map is not a list"],
  };
  for (const [name, [bytes, message]] of Object.entries(REFUSED)) {
    it(name, async () => {
      const error = await assertRejects(() => list(bytes), TarError, message);
      assertEquals((await assertRejects(() => list(streamOf(bytes, 1)), TarError)).message, error.message);
    });
  }

  it("a map that is cut off", async () => {
    await assertRejects(
      () => list(version1("2\n0\n4\n1024\n6\n").slice(0, 1024 + 512 + 100)),
      TarError,
      'tar archive ends at offset 1636, inside the sparse map of "holes": 412 bytes are missing',
    );
  });
});
