import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { CompressionError, DigestMismatchError, SizeMismatchError } from "../../src/errors.ts";
import { layerFromCompressed, layerFromUncompressed } from "../../src/image/mod.ts";
import { compress, digestBytes, drain, streamOf } from "../../src/io/mod.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { joined } from "../make/bytes.ts";
import { collect, streamFrom, track } from "../make/streams.ts";
import { tarOf } from "../make/memory_source.ts";

const TAR = await tarOf({ "etc/motd": "hello\n" });
const DIFF_ID = await digestBytes(TAR);
const GZIP = await collect(compress(streamOf(TAR), "gzip"));
const ZSTD = await collect(compress(streamOf(TAR), "zstd"));
const STORED: Descriptor = {
  mediaType: MediaType.OciLayerGzip,
  digest: await digestBytes(GZIP),
  size: GZIP.length,
  annotations: { a: "b" },
};

describe("layerFromCompressed", () => {
  it("derives everything from a descriptor and the bytes", async () => {
    const origin = { registry: "r.example.com", repository: "a/b" };
    const layer = layerFromCompressed({
      descriptor: STORED,
      compressed: () => Promise.resolve(streamOf(GZIP)),
      origin,
    });
    assertEquals(layer.kind, "layer");
    assertEquals(layer.content.origins, [origin]);
    assertFalse(layer.content.once);
    assert(layer.digestKnown());
    assertEquals(await layer.digest(), STORED.digest);
    assertEquals(await layer.size(), STORED.size);
    assertEquals(await layer.mediaType(), STORED.mediaType);
    assertEquals(await layer.descriptor(), STORED);
    assertEquals(await layer.diffId(), DIFF_ID);
    for (let i = 0; i < 2; i++) {
      assertEquals(await collect(await layer.compressed()), GZIP);
      assertEquals(await collect(await layer.uncompressed()), TAR);
    }
  });

  it("opens nothing before somebody asks", async () => {
    let opened = 0;
    const layer = layerFromCompressed({
      descriptor: STORED,
      compressed: () => {
        opened++;
        return Promise.resolve(streamOf(GZIP));
      },
    });
    await layer.descriptor();
    assertEquals(opened, 0);
    await Promise.all([layer.diffId(), layer.diffId()]);
    await layer.diffId();
    assertEquals(opened, 1);
  });

  it("goes by the bytes, not by the media type", async () => {
    const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4);
    for (const bytes of [TAR, GZIP, ZSTD, joined(skippable, ZSTD)]) {
      const descriptor = { mediaType: MediaType.OciLayerGzip, digest: await digestBytes(bytes), size: bytes.length };
      const layer = layerFromCompressed({ descriptor, compressed: () => Promise.resolve(streamOf(bytes)) });
      assertEquals(await collect(await layer.uncompressed()), TAR);
      assertEquals(await layer.diffId(), DIFF_ID);
    }
  });

  it("takes the diff id that it is told", async () => {
    const told: Hash = `sha256:${"1".repeat(64)}`;
    const layer = layerFromCompressed({
      descriptor: STORED,
      compressed: () => Promise.reject(new Error("opened")),
      diffId: () => Promise.resolve(told),
    });
    assertEquals(await layer.diffId(), told);
  });

  it("fails before the end of wrong bytes, compressed and not", async () => {
    const other = await collect(compress(streamOf(await tarOf({ "etc/motd": "jello\n" })), "gzip"));
    const lying = layerFromCompressed({
      descriptor: { ...STORED, size: other.length },
      compressed: () => Promise.resolve(streamOf(other)),
      what: "layer one",
    });
    await assertRejects(async () => drain(await lying.compressed()), DigestMismatchError, "layer one has the digest");
    await assertRejects(async () => drain(await lying.uncompressed()), DigestMismatchError);
    await assertRejects(() => lying.diffId(), DigestMismatchError);
    const short = layerFromCompressed({
      descriptor: { ...STORED, size: STORED.size + 1 },
      compressed: () => Promise.resolve(streamOf(GZIP)),
    });
    await assertRejects(async () => drain(await short.uncompressed()), SizeMismatchError, STORED.digest);
  });

  it("says so when its bytes are right but not whole", async () => {
    const half = GZIP.slice(0, -4);
    const descriptor = { ...STORED, digest: await digestBytes(half), size: half.length };
    const layer = layerFromCompressed({ descriptor, compressed: () => Promise.resolve(streamOf(half)) });
    assertEquals(await drain(await layer.compressed()), half.length);
    await assertRejects(async () => drain(await layer.uncompressed()), CompressionError, descriptor.digest);
  });

  it("tries again after a failure", async () => {
    let opened = 0;
    const layer = layerFromCompressed({
      descriptor: STORED,
      compressed: () => Promise.resolve(++opened === 1 ? streamFrom(new Error("cut")) : streamOf(GZIP)),
    });
    await assertRejects(() => layer.diffId(), Error, "cut");
    assertEquals(await layer.diffId(), DIFF_ID);
  });

  it("passes a cancel on to the source", async () => {
    for (const name of ["compressed", "uncompressed"] as const) {
      const source = track([GZIP, GZIP]);
      const layer = layerFromCompressed({ descriptor: STORED, compressed: () => Promise.resolve(source.stream) });
      await (await layer[name]()).cancel("enough");
      assertEquals(source.cancels, ["enough"]);
    }
  });
});

describe("layerFromUncompressed", () => {
  /** A layer that counts how often its tar is opened. */
  function counted(options: Partial<Parameters<typeof layerFromUncompressed>[0]> = {}) {
    const opened = { times: 0 };
    const uncompressed = () => {
      opened.times++;
      return Promise.resolve(streamOf(TAR));
    };
    return { opened, layer: layerFromUncompressed({ uncompressed, ...options }) };
  }

  it("knows its digest when its compressed bytes were read, without reading them again", async () => {
    const { layer, opened } = counted();
    assertFalse(layer.digestKnown());
    const bytes = await collect(await layer.compressed());
    assert(layer.digestKnown());
    assertEquals(await layer.digest(), await digestBytes(bytes));
    assertEquals(await layer.size(), bytes.length);
    assertEquals(await layer.diffId(), DIFF_ID);
    assertEquals(opened.times, 1);
  });

  it("reads them once when it is asked for the digest first", async () => {
    const { layer, opened } = counted({ annotations: { a: "b" } });
    const [digest, size, descriptor] = await Promise.all([layer.digest(), layer.size(), layer.descriptor()]);
    assertEquals(descriptor, { mediaType: MediaType.OciLayerGzip, digest, size, annotations: { a: "b" } });
    assertEquals(opened.times, 1);
    assertEquals(await digestBytes(await collect(await layer.compressed())), digest);
  });

  it("does not compress to learn the diff id", async () => {
    const { layer, opened } = counted();
    assertEquals(await layer.diffId(), DIFF_ID);
    assertFalse(layer.digestKnown());
    assertEquals(await layer.diffId(), DIFF_ID);
    assertEquals(opened.times, 1);
    const told: Hash = `sha256:${"1".repeat(64)}`;
    const knowing = counted({ diffId: () => Promise.resolve(told) });
    assertEquals(await knowing.layer.diffId(), told);
    assertEquals(knowing.opened.times, 0);
  });

  it("stores it as it is told to", async () => {
    const types = { none: MediaType.OciLayer, gzip: MediaType.OciLayerGzip, zstd: MediaType.OciLayerZstd } as const;
    for (const compression of ["none", "gzip", "zstd"] as const) {
      const { layer } = counted({ compression });
      assertEquals(await layer.mediaType(), types[compression]);
      const bytes = await collect(await layer.compressed());
      assertEquals(bytes, await collect(compress(streamOf(TAR), compression)));
      assertEquals(await layer.digest(), await digestBytes(bytes));
      assertEquals(await layer.diffId(), DIFF_ID);
      assertEquals(await collect(await layer.uncompressed()), TAR);
    }
    assertEquals(await counted({ mediaType: MediaType.DockerLayer }).layer.mediaType(), MediaType.DockerLayer);
  });

  it("has one digest when it is not compressed", async () => {
    const { layer, opened } = counted({ compression: "none" });
    assertEquals(await layer.digest(), DIFF_ID);
    assertEquals(await layer.diffId(), DIFF_ID);
    assertEquals(opened.times, 1);
  });

  it("learns nothing from a read that was cancelled or failed", async () => {
    const { layer } = counted();
    const reader = (await layer.compressed()).getReader();
    await reader.read();
    await reader.cancel();
    assertFalse(layer.digestKnown());
    let opened = 0;
    const flaky = layerFromUncompressed({
      uncompressed: () => Promise.resolve(++opened === 1 ? streamFrom(TAR, new Error("cut")) : streamOf(TAR)),
    });
    await assertRejects(() => flaky.digest(), Error, "cut");
    assertFalse(flaky.digestKnown());
    assertEquals(await flaky.digest(), await digestBytes(GZIP));
  });

  it("ends only the wait of the caller that aborts", async () => {
    const gate = Promise.withResolvers<void>();
    const layer = layerFromUncompressed({
      uncompressed: async () => {
        await gate.promise;
        return streamOf(TAR);
      },
    });
    const controller = new AbortController();
    const patient = layer.digest();
    const impatient = layer.digest({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => impatient, Error, "enough");
    gate.resolve();
    assertEquals(await patient, await digestBytes(GZIP));
  });
});
