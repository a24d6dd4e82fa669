import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { LimitError } from "../../src/errors.ts";
import { decompress, drain, limitRatio, Limits, limitStream, readAll, streamOf } from "../../src/io/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { collect, streamFrom, track } from "../make/streams.ts";

const TEN = utf8("0123456789");

describe("readAll", () => {
  it("gives all bytes, up to the limit and including it", async () => {
    assertEquals(await readAll(streamFrom(TEN, TEN), { limit: 20, what: "it" }), utf8("01234567890123456789"));
    assertStrictEquals(await readAll(streamFrom(TEN), { limit: 10, what: "it" }), TEN);
    assertEquals(await readAll(streamFrom(), { limit: 0, what: "it" }), new Uint8Array(0));
  });

  it("keeps no large buffer for a short result", async () => {
    const part = new Uint8Array(65_536).fill(7).subarray(100, 200);
    const read = await readAll(streamFrom(part), { limit: 100, what: "it" });
    assertEquals([read.length, read.buffer.byteLength], [100, 100]);
  });

  it("fails beyond the limit, and does not read the rest", async () => {
    const source = track([TEN, TEN, TEN, TEN]);
    await assertRejects(
      () => readAll(source.stream, { limit: 19, what: "the manifest" }),
      LimitError,
      "the manifest is larger than the limit of 19 bytes",
    );
    assertEquals(source.pulls(), 2);
    assertEquals(source.cancels.length, 1);
  });

  it("ends on an abort", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => readAll(streamFrom(TEN), { limit: 99, what: "it", signal }), Error, "enough");
  });
});

describe("limitStream", () => {
  it("passes on what is within the limit, and fails beyond it", async () => {
    assertEquals(await collect(limitStream(streamFrom(TEN), 10, "it")), TEN);
    const source = track([TEN, TEN]);
    await assertRejects(() => drain(limitStream(source.stream, 15, "the page")), LimitError, "the page is larger than");
    assertEquals(source.cancels.length, 1);
  });
});

describe("limitRatio (rule 11)", () => {
  const MIB = 1024 * 1024;
  const zeros = new Uint8Array(MIB);

  function* mebibytes(count: number) {
    for (let i = 0; i < count; i++) yield zeros;
  }

  it("stops a bomb when it has outgrown any honest ratio, not before", async () => {
    const bomb = track(mebibytes(1000));
    await assertRejects(
      () => drain(limitRatio(bomb.stream, () => 100, "the layer")),
      LimitError,
      "the layer, decompressed,",
    );
    assertEquals(bomb.pulls(), Limits.ratioFloor / MIB + 1);
    assertEquals(bomb.cancels.length, 1);
    assertEquals(await drain(limitRatio(track(mebibytes(64)).stream, () => 1, "the layer")), 64 * MIB);
    assertEquals(await drain(limitRatio(track(mebibytes(80)).stream, () => 80 * 1024, "the layer")), 80 * MIB);
  });

  it("lets the most that gzip can do pass", async () => {
    const compressed = new Uint8Array(gzipSync(new Uint8Array(80 * MIB), { level: 9 }));
    const stream = decompress(streamOf(compressed), "gzip", "the layer");
    assertEquals(await drain(limitRatio(stream, () => compressed.length, "the layer")), 80 * MIB);
  });
});
