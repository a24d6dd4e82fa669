import { assert, assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import * as zlib from "node:zlib";
import {
  type Bytes,
  type ByteStream,
  gunzipStream,
  gzipStream,
  zstdCompressStream,
  zstdDecompressStream,
} from "../../src/runtime/mod.ts";
import { webCodecStream } from "../../src/runtime/web_codec.ts";
import { webGunzipStream } from "../../src/runtime/web_gunzip.ts";
import { collect, streamOf, watchedSource } from "../make/streams.ts";
import { joined, noise, text } from "../make/bytes.ts";
import { settled } from "../make/waiting.ts";

const gzip = (bytes: Bytes): Bytes => new Uint8Array(zlib.gzipSync(bytes));
const zstd = (bytes: Bytes): Bytes => new Uint8Array(zlib.zstdCompressSync(bytes));
const small = text(5000);
const large = joined(noise(700_000), text(900_000), noise(400_000, 7));

/** What the stream fails with: its code. */
async function codeOf(stream: ByteStream): Promise<string> {
  const error = await assertRejects(() => collect(stream)) as { name: string; code: string };
  assertEquals(error.name, "CodecError");
  return error.code;
}

function flipped(bytes: Bytes, index: number): Bytes {
  const copy = bytes.slice();
  copy[index < 0 ? copy.length + index : index] ^= 1;
  return copy;
}

describe("gunzipStream", () => {
  it("decompresses, whatever the chunks", async () => {
    const compressed = gzip(large);
    for (const size of [997, 65536, 262144, 1 << 24]) {
      assertEquals(await collect(gunzipStream(streamOf(compressed, size))), large);
    }
    assertEquals(await collect(gunzipStream(streamOf(gzip(small), 1))), small);
  });

  it("gives chunks that are plain Uint8Arrays", async () => {
    for await (const chunk of gunzipStream(streamOf(gzip(large)))) {
      assertStrictEquals(chunk.constructor, Uint8Array);
      assert(chunk.byteLength <= 256 * 1024);
    }
  });

  it("decompresses nothing at all and an empty member", async () => {
    assertEquals((await collect(gunzipStream(streamOf(gzip(new Uint8Array(0)))))).byteLength, 0);
    assertEquals(await codeOf(gunzipStream(streamOf(new Uint8Array(0)))), "Z_BUF_ERROR");
  });

  it("reads every member, wherever the chunks end", async () => {
    const first = gzip(small);
    const both = joined(first, gzip(large));
    const expected = joined(small, large);
    assertEquals(await collect(gunzipStream(streamOf(both))), expected);
    for (const offset of [-1, 0, 1, 5, 11]) {
      const cut = first.byteLength + offset;
      const source = new ReadableStream<Bytes>({
        start(controller) {
          controller.enqueue(both.subarray(0, cut));
          controller.enqueue(both.subarray(cut));
          controller.close();
        },
      });
      assertEquals(await collect(gunzipStream(source)), expected);
    }
  });

  it("reads members that end where a block ends", async () => {
    // The codec is fed 256 KB at a time: stored blocks make a member of exactly that length.
    const stored = new Uint8Array(zlib.gzipSync(noise(262_100), { level: 0 }));
    const padding = 262_144 - stored.byteLength;
    const member = new Uint8Array(zlib.gzipSync(noise(262_100 + padding), { level: 0 }));
    assertEquals(member.byteLength, 262_144);
    const raw = noise(262_100 + padding);
    assertEquals(await collect(gunzipStream(streamOf(joined(member, member)))), joined(raw, raw));
    assertEquals(await collect(gunzipStream(streamOf(joined(member, new Uint8Array(10))))), raw);
    assertEquals(await codeOf(gunzipStream(streamOf(joined(member, small)))), "Z_DATA_ERROR");
  });

  it("takes zeros after the last member for padding", async () => {
    const compressed = gzip(small);
    assertEquals(await collect(gunzipStream(streamOf(joined(compressed, new Uint8Array(9))))), small);
    assertEquals(await collect(gunzipStream(streamOf(joined(compressed, new Uint8Array(600_000)), 1000))), small);
  });

  it("refuses anything else after the last member", async () => {
    const compressed = gzip(small);
    const garbage = new TextEncoder().encode("garbage");
    assertEquals(await codeOf(gunzipStream(streamOf(joined(compressed, garbage)))), "Z_DATA_ERROR");
    assertEquals(await codeOf(gunzipStream(streamOf(joined(compressed, new Uint8Array(9), garbage)))), "Z_DATA_ERROR");
    const far = joined(compressed, new Uint8Array(600_000), garbage);
    assertEquals(await codeOf(gunzipStream(streamOf(far))), "Z_DATA_ERROR");
  });

  it("fails on input that ends early, wherever it ends", async () => {
    const compressed = gzip(small);
    for (let length = 1; length < compressed.byteLength; length++) {
      assertEquals(await codeOf(gunzipStream(streamOf(compressed.subarray(0, length)))), "Z_BUF_ERROR");
    }
    const two = joined(compressed, compressed);
    assertEquals(await codeOf(gunzipStream(streamOf(two.subarray(0, -3)))), "Z_BUF_ERROR");
    assertEquals(await codeOf(gunzipStream(streamOf(two.subarray(0, compressed.byteLength + 1)))), "Z_BUF_ERROR");
  });

  it("fails on a wrong checksum, a wrong length and what is no gzip", async () => {
    assertEquals(await codeOf(gunzipStream(streamOf(flipped(gzip(small), -6)))), "Z_DATA_ERROR");
    assertEquals(await codeOf(gunzipStream(streamOf(flipped(gzip(small), -2)))), "Z_DATA_ERROR");
    assertEquals(await codeOf(gunzipStream(streamOf(text(100)))), "Z_DATA_ERROR");
  });

  it("passes an error of the source on as it is", async () => {
    const failure = new Error("cut");
    const half = gzip(large).subarray(0, 300_000);
    const error = await assertRejects(() => collect(gunzipStream(watchedSource(half, 65536, failure).stream)));
    assertStrictEquals(error, failure);
  });

  it("cancels the source when the input is corrupt", async () => {
    const source = watchedSource(joined(text(10), noise(4 << 20)), 65536);
    assertEquals(await codeOf(gunzipStream(source.stream)), "Z_DATA_ERROR");
    await settled();
    assert(source.cancelled());
  });

  it("does not touch the source before the first read", async () => {
    const source = watchedSource(gzip(small), 100);
    const stream = gunzipStream(source.stream);
    await settled();
    assertEquals(source.pulls(), 0);
    await stream.cancel();
    assert(source.cancelled());
  });

  it("reads no more than a few blocks ahead, and cancels the source half-way", async () => {
    const source = watchedSource(gzip(noise(16 << 20)), 65536);
    const reader = gunzipStream(source.stream).getReader();
    await reader.read();
    await settled();
    // Two blocks of 256 KB with the codec or on their way, and as much again that has come out of it.
    assert(source.pulls() <= 24, `${source.pulls()} chunks of 64 KB were read for the first of 256 KB`);
    await reader.cancel("enough");
    assert(source.cancelled());
    const pulls = source.pulls();
    await settled();
    assert(source.pulls() <= pulls + 1);
  });

  it("runs many at a time", async () => {
    const compressed = gzip(large);
    const results = await Promise.all(Array.from({ length: 8 }, () => collect(gunzipStream(streamOf(compressed)))));
    for (const result of results) assertEquals(result.byteLength, large.byteLength);
  });
});

describe("gzipStream", () => {
  it("makes what others can read, at every level", async () => {
    for (const level of [1, 6, 9]) {
      const compressed = await collect(gzipStream(streamOf(large), { level }));
      assertEquals(new Uint8Array(zlib.gunzipSync(compressed)), large);
    }
    const empty = await collect(gzipStream(streamOf(new Uint8Array(0))));
    assertEquals(zlib.gunzipSync(empty).byteLength, 0);
  });

  it("gives the same bytes however the input is cut, with no time in the header", async () => {
    const expected = await collect(gzipStream(streamOf(large, 262144)));
    for (const size of [1000, 65536, 262143, 262145, 1 << 24]) {
      assertEquals(await collect(gzipStream(streamOf(large, size))), expected);
    }
    assertEquals([...expected.subarray(4, 8)], [0, 0, 0, 0]);
  });

  it("compresses better at a higher level", async () => {
    const raw = joined(text(300_000), noise(1000), text(300_000));
    const fast = await collect(gzipStream(streamOf(raw), { level: 1 }));
    const best = await collect(gzipStream(streamOf(raw), { level: 9 }));
    assert(best.byteLength < fast.byteLength);
  });

  it("passes an error of the source on, and a cancel to it", async () => {
    const failure = new Error("cut");
    const error = await assertRejects(() => collect(gzipStream(watchedSource(large, 65536, failure).stream)));
    assertStrictEquals(error, failure);
    const source = watchedSource(noise(16 << 20), 65536);
    const reader = gzipStream(source.stream).getReader();
    await reader.read();
    await settled();
    assert(source.pulls() <= 28, `${source.pulls()} chunks of 64 KB were read for the first of 256 KB`);
    await reader.cancel();
    assert(source.cancelled());
  });
});

describe("zstdDecompressStream", { skip: zlib.createZstdDecompress === undefined }, () => {
  const skippable = new Uint8Array([0x53, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);

  it("decompresses one frame and many, whatever the chunks", async () => {
    assertEquals(await collect(zstdDecompressStream(streamOf(zstd(large), 997))), large);
    const two = joined(zstd(small), zstd(large), zstd(new Uint8Array(0)));
    for (const size of [3, 1000, 1 << 24]) {
      assertEquals(await collect(zstdDecompressStream(streamOf(two, size))), joined(small, large));
    }
  });

  it("passes skippable frames over", async () => {
    const frames = joined(skippable, zstd(small), skippable, zstd(small), skippable);
    assertEquals(await collect(zstdDecompressStream(streamOf(frames))), joined(small, small));
  });

  it("fails on input that ends early, wherever it ends", async () => {
    const compressed = joined(skippable, await collect(zstdCompressStream(streamOf(text(300_000)))));
    for (let length = 0; length < compressed.byteLength; length++) {
      if (length === skippable.byteLength) continue;
      assertEquals(await codeOf(zstdDecompressStream(streamOf(compressed.subarray(0, length)))), "Z_BUF_ERROR");
    }
  });

  it("fails on a wrong checksum and on garbage", async () => {
    const compressed = await collect(zstdCompressStream(streamOf(small)));
    assertEquals(await codeOf(zstdDecompressStream(streamOf(flipped(compressed, -1)))), "Z_DATA_ERROR");
    assertEquals(await codeOf(zstdDecompressStream(streamOf(joined(compressed, text(20))))), "Z_DATA_ERROR");
    assertEquals(await codeOf(zstdDecompressStream(streamOf(text(20)))), "Z_DATA_ERROR");
  });

  it("cancels the source half-way", async () => {
    const source = watchedSource(zstd(noise(16 << 20)), 65536);
    const reader = zstdDecompressStream(source.stream).getReader();
    await reader.read();
    await settled();
    assert(source.pulls() <= 28, `${source.pulls()} chunks of 64 KB were read for the first`);
    await reader.cancel();
    assert(source.cancelled());
  });
});

describe("zstdCompressStream", { skip: zlib.createZstdCompress === undefined }, () => {
  it("makes what others can read, the same however the input is cut", async () => {
    const compressed = await collect(zstdCompressStream(streamOf(large, 100_000)));
    assertEquals(new Uint8Array(zlib.zstdDecompressSync(compressed)), large);
    assertEquals(await collect(zstdCompressStream(streamOf(large, 777))), compressed);
    assertNotEquals(await collect(zstdCompressStream(streamOf(large), { level: 19 })), compressed);
  });
});

describe("webCodecStream", () => {
  const gunzipOfWeb = (source: ByteStream) => webCodecStream(source, () => new DecompressionStream("gzip"));

  it("does what the codecs of node do", async () => {
    const compressed = await collect(webCodecStream(streamOf(large), () => new CompressionStream("gzip")));
    assertEquals(new Uint8Array(zlib.gunzipSync(compressed)), large);
    assertEquals(await collect(gunzipOfWeb(streamOf(compressed))), large);
  });

  it("tells an error of the codec from one of the source", async () => {
    await codeOf(gunzipOfWeb(streamOf(gzip(small).subarray(0, 30))));
    await codeOf(gunzipOfWeb(streamOf(text(100))));
    const failure = new Error("cut");
    const source = watchedSource(gzip(large).subarray(0, 300_000), 65536, failure);
    assertStrictEquals(await assertRejects(() => collect(gunzipOfWeb(source.stream))), failure);
  });

  it("passes a cancel to the source", async () => {
    const source = watchedSource(gzip(noise(16 << 20)), 65536);
    const reader = gunzipOfWeb(source.stream).getReader();
    await reader.read();
    await reader.cancel();
    await settled();
    assert(source.cancelled());
    const unread = watchedSource(gzip(small), 100);
    await gunzipOfWeb(unread.stream).cancel();
    assert(unread.cancelled());
  });
});

describe("webGunzipStream", () => {
  it("reads every member, wherever the chunks end", async () => {
    const members = [small, large, new Uint8Array(0), small];
    const compressed = joined(...members.map(gzip));
    for (const size of [1, 997, 65536, 1 << 24]) {
      const source = streamOf(size === 1 ? compressed.subarray(0, gzip(small).length) : compressed, size);
      assertEquals(await collect(webGunzipStream(source)), size === 1 ? small : joined(...members));
    }
    const two = joined(gzip(small), gzip(small));
    for (const offset of [-12, -4, -1, 0, 1, 5, 11]) {
      const source = streamOf(two, gzip(small).length + offset);
      assertEquals(await collect(webGunzipStream(source)), joined(small, small));
    }
  });

  it("reads thousands of short members", async () => {
    const parts = Array.from({ length: 3000 }, (_, at) => text(at % 50));
    assertEquals(await collect(webGunzipStream(streamOf(joined(...parts.map(gzip)), 65536))), joined(...parts));
  });

  it("does not take for a member what only looks like one", async () => {
    // Stored blocks hold their content as it is: archives have many such files.
    const file = joined(new Uint8Array(100), gzip(small));
    const likely = joined(new Uint8Array([0, 0, 1, 0]), gzip(small)); // after a length that the output may have
    const inner = joined(likely, ...new Array(500).fill(file), likely);
    const stored = new Uint8Array(zlib.gzipSync(inner, { level: 0 }));
    assertEquals(await collect(webGunzipStream(streamOf(joined(stored, stored)))), joined(inner, inner));
  });

  it("fails on a wrong checksum, what is no gzip, garbage, and an early end", async () => {
    const [first, second] = [gzip(small), gzip(text(3000))];
    for (
      const wrong of [
        joined(flipped(first, -6), second),
        joined(first, flipped(second, -6)),
        joined(first, text(100)),
        joined(first, second).subarray(0, -3),
        joined(first, second.subarray(0, 9)),
        first.subarray(0, 30),
        text(100),
        new Uint8Array(0),
      ]
    ) await codeOf(webGunzipStream(streamOf(wrong)));
  });

  it("passes an error of the source on, and a cancel to it", async () => {
    const failure = new Error("cut");
    const broken = watchedSource(gzip(large).subarray(0, 300_000), 65536, failure);
    assertStrictEquals(await assertRejects(() => collect(webGunzipStream(broken.stream))), failure);
    const source = watchedSource(gzip(noise(16 << 20)), 65536);
    const reader = webGunzipStream(source.stream).getReader();
    await reader.read();
    await reader.cancel();
    await settled();
    assert(source.cancelled());
    const unread = watchedSource(gzip(small), 100);
    await webGunzipStream(unread.stream).cancel();
    assert(unread.cancelled());
  });

  it("reads no more than a few blocks ahead", async () => {
    const source = watchedSource(gzip(noise(16 << 20)), 65536);
    const reader = webGunzipStream(source.stream).getReader();
    await reader.read();
    await settled();
    assert(source.pulls() <= 4, `${source.pulls()} chunks were read for the first`);
    await reader.cancel();
  });
});
