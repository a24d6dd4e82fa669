import { assert, assertEquals, assertInstanceOf, assertLess, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { CompressionError } from "../../src/errors.ts";
import {
  compress,
  type CompressOptions,
  decompress,
  decompressSniffed,
  digestBytes,
  drain,
  gzipMember,
  sniffBytes,
  sniffStream,
  streamOf,
} from "../../src/io/mod.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { joined, pieces, utf8 } from "../make/bytes.ts";
import { collect, streamFrom, track } from "../make/streams.ts";

/** Something longer than a block of the codecs, and not all the same. */
const TEXT = utf8(Array.from({ length: 60_000 }, (_, i) => `line ${i * 7919 % 65_537}\n`).join(""));
const GZIP: Bytes = new Uint8Array(gzipSync(TEXT));
const ZSTD: Bytes = new Uint8Array(
  zstdCompressSync(TEXT, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
);

/** The first bytes of files that xz and bzip2 made. */
const XZ = Uint8Array.of(0xfd, ...utf8("7zXZ\0"), 0, 4, 0xe6, 0xd6);
const BZIP2 = utf8("BZh91AY&SY\x9c");
/** A zstd frame whose header asks for a window of 256 MB. */
const WIDE_ZSTD = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x90, 1, 0, 0);

describe("sniffing", () => {
  it("knows what is not read from a text that begins alike", () => {
    assertEquals([XZ, BZIP2].map(sniffBytes), ["xz", "bzip2"]);
    assertEquals([utf8("BZh9/in/a/tar"), utf8("7zXZ"), XZ.slice(0, 5)].map(sniffBytes), ["none", "none", "none"]);
  });

  it("goes by the first bytes", () => {
    assertEquals(sniffBytes(GZIP), "gzip");
    assertEquals(sniffBytes(ZSTD), "zstd");
    assertEquals(sniffBytes(TEXT), "none");
    for (const magic of [0x50, 0x5f]) {
      assertEquals(sniffBytes(Uint8Array.of(magic, 0x2a, 0x4d, 0x18, 0, 0, 0, 0)), "zstd");
    }
    for (const other of [0x4f, 0x60]) {
      assertEquals(sniffBytes(Uint8Array.of(other, 0x2a, 0x4d, 0x18, 0, 0, 0, 0)), "none");
    }
    for (const short of [[], [0x1f], [0x28, 0xb5, 0x2f]]) assertEquals(sniffBytes(Uint8Array.from(short)), "none");
  });

  it("gives the whole stream back, however it is cut", async () => {
    for (const bytes of [GZIP, ZSTD, TEXT, TEXT.slice(0, 3), TEXT.slice(0, 0)]) {
      for (const size of [1, 3, 5000]) {
        const few = bytes.slice(0, 4000);
        const { compression, stream } = await sniffStream(streamFrom(...pieces(few, size)));
        assertEquals(compression, sniffBytes(bytes));
        assertEquals(await collect(stream), few);
      }
    }
  });

  it("reads no more than it needs, and passes a cancel and an error on", async () => {
    const source = track(pieces(TEXT, 1000));
    const { stream } = await sniffStream(source.stream);
    assertEquals(source.pulls(), 1);
    await stream.cancel("enough");
    assertEquals(source.cancels, ["enough"]);
    await assertRejects(() => sniffStream(streamFrom(new Error("cut"))), Error, "cut");
    const later = await sniffStream(streamFrom(GZIP, new Error("cut")));
    await assertRejects(() => drain(later.stream), Error, "cut");
  });
});

describe("compress", () => {
  it("makes what others can read", async () => {
    assertEquals(new Uint8Array(gunzipSync(await collect(compress(streamOf(TEXT), "gzip")))), TEXT);
    assertEquals(new Uint8Array(zstdDecompressSync(await collect(compress(streamOf(TEXT), "zstd")))), TEXT);
    assertEquals(await collect(compress(streamOf(TEXT), "none")), TEXT);
  });

  it("makes the same bytes however the input is cut", async () => {
    for (const kind of ["gzip", "zstd"] as const) {
      const whole = await collect(compress(streamOf(TEXT), kind));
      assertEquals(await collect(compress(streamFrom(...pieces(TEXT, 777)), kind)), whole);
    }
  });

  it("tries as hard as it is told", async () => {
    for (const kind of ["gzip", "zstd"] as const) {
      const fast = await drain(compress(streamOf(TEXT), kind, { level: 1 }));
      assertLess(await drain(compress(streamOf(TEXT), kind, { level: 9 })), fast);
    }
  });

  it("passes on the source's error and the consumer's cancel", async () => {
    for (const kind of ["gzip", "zstd"] as const) {
      await assertRejects(() => drain(compress(streamFrom(TEXT, new Error("cut")), kind)), Error, "cut");
      const source = track([TEXT, TEXT, TEXT, TEXT]);
      const reader = compress(source.stream, kind).getReader();
      await reader.read();
      await reader.cancel("enough");
      assertEquals(source.cancels, ["enough"]);
    }
  });
});

describe("compress, reproducibly", () => {
  const digest = async (stream: ByteStream) => (await digestBytes(await collect(stream))).slice("sha256:".length, 23);

  it("makes these very bytes, on whatever it runs, however the input is cut", async () => {
    const expected = { 1: "b57381cd4f962578", 2: "5e751b7312a2c5ef", 6: "a3ef17c6b1606786", 9: "ff966e086733f96e" };
    for (const [level, digits] of Object.entries(expected)) {
      const options = { reproducible: true, level: Number(level) };
      for (const size of [TEXT.length, 777, 65_536, 65_537]) {
        assertEquals(await digest(compress(streamFrom(...pieces(TEXT, size)), "gzip", options)), digits, level);
      }
    }
    assertEquals(await digest(compress(streamOf(TEXT), "gzip", { reproducible: true })), expected[2]);
    assertEquals(await digest(compress(streamFrom(), "gzip", { reproducible: true })), "59869db34853933b");
  });

  it("makes what others can read, of any length", async () => {
    const lengths = [0, 1, 65_535, 65_536, 65_537, 98_303, 98_304, 98_305, 131_072, 200_001, TEXT.length];
    for (const length of lengths) {
      for (const level of [1, 2, 9]) {
        const bytes = TEXT.slice(0, length);
        const gzip = await collect(compress(streamOf(bytes), "gzip", { reproducible: true, level }));
        assertEquals(new Uint8Array(gunzipSync(gzip)), bytes);
        assertEquals([...gzip.subarray(4, 8)], [0, 0, 0, 0]);
      }
    }
  });

  it("has no zstd, and leaves alone what is not compressed", async () => {
    assertThrows(() => compress(streamOf(TEXT), "zstd", { reproducible: true }), TypeError, "zstd is not reproducible");
    assertEquals(await collect(compress(streamOf(TEXT), "none", { reproducible: true })), TEXT);
  });

  it("refuses a level that there is not", () => {
    for (const level of [0, 10, 1.5, NaN]) {
      const message = `the level of gzip must be a whole number from 1 to 9, not ${level}`;
      assertThrows(() => compress(streamOf(TEXT), "gzip", { reproducible: true, level }), RangeError, message);
    }
  });

  it("passes on the source's error and the consumer's cancel", async () => {
    const failing = compress(streamFrom(TEXT, new Error("cut")), "gzip", { reproducible: true });
    await assertRejects(() => drain(failing), Error, "cut");
    const source = track([TEXT, TEXT, TEXT, TEXT]);
    const reader = compress(source.stream, "gzip", { reproducible: true }).getReader();
    await reader.read();
    await reader.cancel("enough");
    assertEquals(source.cancels, ["enough"]);
  });
});

describe("a gzip member", () => {
  const member = async (chunks: Bytes[], options: CompressOptions = {}) => {
    const left = chunks.values();
    const parts: Bytes[] = [];
    for await (const part of gzipMember(() => Promise.resolve(left.next().value), options)) parts.push(part);
    return joined(...parts);
  };

  it("is a gzip file of its own, short or long", async () => {
    for (const reproducible of [false, true]) {
      for (const length of [0, 1, 262_143, 262_144, TEXT.length]) {
        const bytes = TEXT.slice(0, length);
        for (const size of [10_000, TEXT.length]) {
          const made = await member(pieces(bytes, size), { reproducible });
          assertEquals(new Uint8Array(gunzipSync(made)), bytes);
          assertEquals(made, await member([bytes], { reproducible }));
        }
      }
    }
  });
});

describe("decompress", () => {
  const both = [["gzip", GZIP], ["zstd", ZSTD]] as const;

  it("reads what others made, however it is cut", async () => {
    for (const [kind, bytes] of both) {
      for (const size of [100, 4096, bytes.length]) {
        assertEquals(await collect(decompress(streamFrom(...pieces(bytes, size)), kind, "it")), TEXT);
      }
      assertEquals(await collect(await decompressSniffed(streamOf(bytes), { what: "it" })), TEXT);
    }
    assertEquals(await collect(await decompressSniffed(streamOf(TEXT), { what: "it" })), TEXT);
  });

  it("reads several members one after the other", async () => {
    const more = utf8("more");
    const gzip = joined(GZIP, new Uint8Array(gzipSync(more)));
    const zstd = joined(ZSTD, new Uint8Array(zstdCompressSync(more)));
    assertEquals(await collect(decompress(streamOf(gzip), "gzip", "it")), joined(TEXT, more));
    assertEquals(await collect(decompress(streamOf(zstd), "zstd", "it")), joined(TEXT, more));
  });

  it("refuses what ends early", async () => {
    for (const [kind, bytes] of both) {
      for (const length of [5, bytes.length >> 1, bytes.length - 1]) {
        const error = await assertRejects(
          () => drain(decompress(streamOf(bytes.slice(0, length)), kind, "layer 1")),
          CompressionError,
          `layer 1: the ${kind} data is corrupt or ends early`,
        );
        assertInstanceOf(error.cause, Error);
      }
    }
  });

  it("refuses what is corrupt", async () => {
    for (const [kind, bytes] of both) {
      for (const place of [bytes.length >> 1, bytes.length - 2]) {
        const corrupt = bytes.slice();
        corrupt[place] ^= 0xff;
        await assertRejects(() => drain(decompress(streamOf(corrupt), kind, "it")), CompressionError);
      }
      await assertRejects(() => drain(decompress(streamOf(TEXT), kind, "it")), CompressionError);
    }
  });

  it("names what is not read, and what to do", async () => {
    for (const [kind, bytes] of [["xz", XZ], ["bzip2", BZIP2]] as const) {
      const source = track([bytes]);
      const error = await assertRejects(
        () => decompressSniffed(source.stream, { what: "layer 1" }),
        CompressionError,
        `layer 1 is compressed with ${kind}, which is not read`,
      );
      assertEquals(error.hint, "decompress it, or compress it with gzip or zstd");
      assertEquals(source.cancels.length, 1);
    }
  });

  it("says that a zstd window is larger than what is read", async () => {
    const error = await assertRejects(
      () => drain(decompress(streamOf(WIDE_ZSTD), "zstd", "layer 1")),
      CompressionError,
      "layer 1 needs a zstd window of 268435456 bytes, the most that is read is 134217728",
    );
    assertEquals(error.hint, "compress it again, without --long or with --long=27");
    const widest = joined(WIDE_ZSTD.slice(0, 5), Uint8Array.of(0x88, 1, 0, 0));
    assertEquals(await drain(decompress(streamOf(widest), "zstd", "layer 1")), 0);
    // One segment, whose window is its size: 128 MB and a byte.
    const whole = joined(WIDE_ZSTD.slice(0, 4), Uint8Array.of(0xa0, 1, 0, 0, 8, 1, 0, 0));
    await assertRejects(() => drain(decompress(streamOf(whole), "zstd", "it")), CompressionError, "of 134217729 bytes");
  });

  it("refuses garbage after the end, but not padding with zeros", async () => {
    const garbage = joined(GZIP, utf8("garbage"));
    await assertRejects(() => drain(decompress(streamOf(garbage), "gzip", "it")), CompressionError);
    assertEquals(await collect(decompress(streamOf(joined(GZIP, new Uint8Array(600))), "gzip", "it")), TEXT);
  });

  it("passes the source's error on as it is", async () => {
    const cut = new Error("cut");
    for (const [kind, bytes] of both) {
      const error = await assertRejects(() => drain(decompress(streamFrom(bytes.slice(0, 9000), cut), kind, "it")));
      assert(error === cut);
    }
  });

  it("reads to the end of the source, so that whoever verifies it sees all of it", async () => {
    for (const [kind, bytes] of both) {
      const source = track(pieces(bytes, 4096));
      await drain(decompress(source.stream, kind, "it"));
      assertEquals(source.pulls(), Math.ceil(bytes.length / 4096) + 1);
    }
  });

  it("passes a cancel on", async () => {
    for (const [kind, bytes] of both) {
      const source = track(Array(50).fill(bytes));
      const reader = decompress(source.stream, kind, "it").getReader();
      await reader.read();
      await reader.cancel("enough");
      assertEquals(source.cancels, ["enough"]);
    }
  });
});
