import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import {
  type Bytes,
  readTar,
  rewriteEntry,
  type TarEntryType,
  type TarNewEntry,
  type TarWriteEntry,
  type TarWriteFormat,
  writeTar,
} from "../../src/tar/mod.ts";
import { assertSameBytes, cut, fingerprint, joined, latin1, utf8 } from "../make/bytes.ts";
import { collect, streamOfChunks } from "../make/streams.ts";
import { list } from "../make/archives.ts";
import { Random } from "../make/random.ts";

const TYPES: readonly TarEntryType[] = [
  "file",
  "file",
  "file",
  "link",
  "symlink",
  "characterDevice",
  "blockDevice",
  "directory",
  "fifo",
  "unknown",
];

const LETTERS = ["a", "Z", "0", ".", "-", "_", " ", "\n", "é", "ß", "日本", "🐋", "\ufeff", "\\", ":"];

/** Names short and long, with and without slashes, in ASCII, UTF-8 and neither. */
function name(random: Random): Bytes {
  const length = random.pick([1, 3, 20, 99, 100, 101, 155, 156, 255, 256, 257, 600]);
  const piece = random.pick<() => Bytes>([
    () => utf8(random.pick(["a", "b/", "cd"])),
    () => utf8(random.chance(0.1) ? "/" : random.pick(LETTERS)),
    () => random.chance(0.1) ? utf8("/") : random.bytes(1, 1),
  ]);
  let bytes: Bytes = utf8("");
  while (bytes.length < length) bytes = joined(bytes, piece());
  return bytes;
}

function id(random: Random, format: TarWriteFormat): number {
  return random.pick([
    0,
    1000,
    random.integer(0, 2097151),
    2097151,
    ...(format === "ustar" ? [] : [2097152, 4294967295, Number.MAX_SAFE_INTEGER, -2]),
  ]);
}

function time(random: Random, format: TarWriteFormat): number {
  const seconds = random.pick([
    0,
    1700000000,
    random.integer(0, 2 ** 32),
    ...(format === "ustar" ? [] : [-1, -(2 ** 40), 8 ** 11]),
  ]);
  return format === "pax" && random.chance(0.5) ? seconds + random.pick([0.5, 0.25, 0.123456789]) : seconds;
}

function records(random: Random): Map<string, Bytes> {
  const pax = new Map<string, Bytes>();
  for (let i = random.integer(0, 4); i > 0; i--) {
    const key = random.pick(["SCHILY.xattr.user.", "LIBARCHIVE.xattr.", "VENDOR.", "comment"]) + random.pick(LETTERS);
    pax.set(key, random.bytes(random.pick([0, 1, 80, 95, 1000])));
  }
  return pax;
}

const owner = (random: Random): string => random.pick(["", "root", "jürgen", "u".repeat(31)]);

function entry(random: Random, format: TarWriteFormat): TarNewEntry {
  const type = random.pick(TYPES);
  const device = type === "characterDevice" || type === "blockDevice";
  const numbers = [0, 1, 255, 2097151, ...(format === "gnu" ? [2 ** 31] : [])];
  const content = random.bytes(random.pick([0, 1, 511, 512, 513, 5000, 70_000]));
  const ustar = format === "ustar";
  return {
    path: ustar ? name(random).slice(0, 100) : name(random),
    type,
    typeflag: type === "unknown" ? random.pick(["A", "V", "\xe9"]) : undefined,
    linkname: type === "link" || type === "symlink" ? (ustar ? name(random).slice(0, 100) : name(random)) : undefined,
    mode: random.integer(0, 0o7777),
    uid: id(random, format),
    gid: id(random, format),
    uname: format === "pax" && random.chance(0.2) ? name(random).slice(0, 60) : owner(random),
    gname: owner(random),
    mtime: time(random, format),
    atime: ustar || random.chance(0.5) ? undefined : time(random, format),
    ctime: ustar || random.chance(0.5) ? undefined : time(random, format),
    devMajor: device ? random.pick(numbers) : undefined,
    devMinor: device ? random.pick(numbers) : undefined,
    pax: format === "pax" ? records(random) : undefined,
    ...(type === "file" || type === "unknown" ? { content, size: content.length } : {}),
  };
}

/** What must come back. */
function expected(entry: TarNewEntry): Record<string, unknown> {
  const bytes = (value: string | Bytes | undefined) => typeof value === "string" ? utf8(value) : value ?? utf8("");
  return {
    path: bytes(entry.path),
    type: entry.type,
    linkname: bytes(entry.linkname),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: entry.mtime,
    atime: entry.atime,
    ctime: entry.ctime,
    devMajor: entry.devMajor ?? 0,
    devMinor: entry.devMinor ?? 0,
    content: fingerprint(entry.content as Bytes ?? utf8("")),
    pax: new Map(entry.pax as Map<string, Bytes>),
  };
}

const OWN = new Set(["path", "linkpath", "uid", "gid", "uname", "gname", "mtime", "atime", "ctime", "size"]);

async function readBack(chunks: readonly Bytes[]): Promise<Record<string, unknown>[]> {
  return (await list(streamOfChunks(chunks))).map(({ entry, content }) => ({
    path: entry.pathBytes,
    type: entry.type,
    linkname: entry.linknameBytes,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: entry.mtime,
    atime: entry.atime,
    ctime: entry.ctime,
    devMajor: entry.devMajor,
    devMinor: entry.devMinor,
    content: fingerprint(content),
    pax: new Map([...entry.pax].filter(([key]) => !OWN.has(key))),
  }));
}

describe("random entries survive", () => {
  const formats: readonly TarWriteFormat[] = ["pax", "gnu", "ustar"];
  for (const format of formats) {
    for (let seed = 1; seed <= 12; seed++) {
      it(`in format ${format}, seed ${seed}`, async () => {
        const random = new Random(seed);
        const entries = Array.from({ length: 40 }, () => entry(random, format));
        const bytes = await collect(writeTar(entries, { format }));
        assertEquals(bytes.length % 512, 0);
        const wanted = entries.map(expected);
        assertEquals(await readBack([bytes]), wanted);
        assertEquals(await readBack(cut(bytes, () => random.integer(1, 3000))), wanted);
        const again = cut(bytes, () => random.pick([1, 511, 512, 513, 65536]));
        assertSameBytes(await collect(writeTar(readTar(streamOfChunks(again)))), bytes);
        // Equal entries, equal bytes.
        assertSameBytes(await collect(writeTar(rewritten(bytes), { format })), bytes);
      });
    }
  }

  it("cut into single bytes", async () => {
    const random = new Random(99);
    const entries = Array.from({ length: 25 }, () => entry(random, "pax"));
    const bytes = await collect(writeTar(entries));
    assertEquals(await readBack(cut(bytes, () => 1)), entries.map(expected));
  });
});

async function* rewritten(bytes: Bytes): AsyncGenerator<TarWriteEntry> {
  for await (const entry of readTar(streamOfChunks(cut(bytes, () => 10_000)))) yield rewriteEntry(entry);
}

describe("damaged archives", () => {
  it("give an error or entries, and always end", async () => {
    const random = new Random(7);
    const entries = Array.from({ length: 6 }, () => entry(random, random.pick(["pax", "gnu"] as const)));
    const pax = await collect(writeTar(entries.map((entry) => ({ ...entry, content: undefined, size: undefined }))));
    const outcomes = { errors: 0, whole: 0 };
    for (let round = 0; round < 600; round++) {
      const bytes = pax.slice();
      for (let i = random.integer(1, 3); i > 0; i--) {
        // A checksum that fits again lets the damage reach the parsers behind it.
        const block = random.integer(0, bytes.length / 512 - 1) * 512;
        bytes[block + random.integer(0, 511)] = random.integer(0, 255);
        if (random.chance(0.8)) mendChecksum(bytes.subarray(block, block + 512));
      }
      const cutTo = random.chance(0.3) ? random.integer(0, bytes.length) : bytes.length;
      try {
        await list(streamOfChunks(cut(bytes.slice(0, cutTo), () => random.integer(1, 2000))));
        outcomes.whole++;
      } catch (error) {
        assertEquals(["TarError", "LimitError"].includes((error as Error).name), true, String(error));
        outcomes.errors++;
      }
    }
    assertEquals(outcomes.errors > 100 && outcomes.whole > 100, true, JSON.stringify(outcomes));
  });
});

function mendChecksum(block: Bytes): void {
  block.set(latin1("        "), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(latin1(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}
