import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { CompressionError, LimitError, StreamLayerError } from "../../src/errors.ts";
import { layerFromBytes, layerFromOpener, staticLayer, streamLayer } from "../../src/image/mod.ts";
import { compress, digestBytes, drain, streamOf } from "../../src/io/mod.ts";
import { type Bytes, pullStream } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { collect, streamFrom, track } from "../make/streams.ts";
import { tarOf } from "../make/memory_source.ts";

const TAR = await tarOf({ "etc/motd": "hello\n" });
const DIFF_ID = await digestBytes(TAR);
const FORMS = {
  none: { bytes: TAR, mediaType: MediaType.OciLayer },
  gzip: { bytes: await collect(compress(streamOf(TAR), "gzip")), mediaType: MediaType.OciLayerGzip },
  zstd: { bytes: await collect(compress(streamOf(TAR), "zstd")), mediaType: MediaType.OciLayerZstd },
} as const;

/** 80 MiB of zeros in a few kilobytes, which zstd can do, and gzip can't. */
async function bomb(): Promise<Bytes> {
  let left = 80;
  const zeros = pullStream({ read: () => Promise.resolve(left-- > 0 ? new Uint8Array(1024 * 1024) : undefined) });
  return await collect(compress(zeros, "zstd"));
}

describe("a layer of an archive that is a bomb", () => {
  it("fails when its content is read, however it was made", async () => {
    const bytes = await bomb();
    const open = () => Promise.resolve(streamOf(bytes));
    for (const options of [{}, { estargz: true }, { size: bytes.length }]) {
      const layers = [await layerFromBytes(bytes, options), await layerFromOpener(open, options)];
      for (const layer of layers) {
        await assertRejects(() => layer.diffId(), LimitError, "is larger than the limit of 67108864 bytes");
      }
    }
  });
});

describe("staticLayer", () => {
  it("stores bytes as they are", async () => {
    const layer = await staticLayer(utf8("{}"), MediaType.OciEmpty);
    assertEquals(await layer.descriptor(), {
      mediaType: MediaType.OciEmpty,
      digest: await digestBytes(utf8("{}")),
      size: 2,
    });
    assertEquals(await collect(await layer.compressed()), utf8("{}"));
  });
});

const makers: Record<string, typeof layerFromBytes> = {
  layerFromBytes,
  layerFromOpener: (bytes, options) => layerFromOpener(() => Promise.resolve(streamOf(bytes)), options),
};

for (const [name, make] of Object.entries(makers)) {
  describe(name, () => {
    it("keeps what is compressed already, whatever it is told", async () => {
      for (const kind of ["gzip", "zstd"] as const) {
        const { bytes, mediaType } = FORMS[kind];
        const layer = await make(bytes, { compression: "none" });
        assertEquals(await collect(await layer.compressed()), bytes);
        assertEquals(await collect(await layer.uncompressed()), TAR);
        assertEquals(await layer.descriptor(), { mediaType, digest: await digestBytes(bytes), size: bytes.length });
        assertEquals(await layer.diffId(), DIFF_ID);
        assertFalse(layer.content.once);
      }
    });

    it("refuses a compression that is not read", async () => {
      const error = await assertRejects(() => make(utf8("BZh91AY&SY and so on")), CompressionError);
      assertEquals(error.message, "the tar of a layer is compressed with bzip2, which is not read");
    });

    it("compresses what is not, as it is told", async () => {
      for (const compression of ["none", "gzip", "zstd"] as const) {
        const layer = await make(TAR, { compression });
        const { bytes, mediaType } = FORMS[compression];
        assertEquals(await layer.descriptor(), { mediaType, digest: await digestBytes(bytes), size: bytes.length });
        assertEquals(await layer.diffId(), DIFF_ID);
        assertEquals(await collect(await layer.uncompressed()), TAR);
      }
      assertEquals(await (await make(TAR)).mediaType(), MediaType.OciLayerGzip);
    });

    it("takes a media type and annotations", async () => {
      for (const bytes of [TAR, FORMS.gzip.bytes]) {
        const layer = await make(bytes, { mediaType: MediaType.DockerLayer, annotations: { a: "b" } });
        const { mediaType, annotations } = await layer.descriptor();
        assertEquals({ mediaType, annotations }, { mediaType: MediaType.DockerLayer, annotations: { a: "b" } });
      }
    });

    it("takes an empty file for an uncompressed layer", async () => {
      const layer = await make(new Uint8Array(0), { compression: "none" });
      assertEquals(await layer.size(), 0);
    });
  });
}

describe("layerFromOpener", () => {
  it("reads only the beginning to see how it is compressed", async () => {
    for (const { bytes } of Object.values(FORMS)) {
      const sources: ReturnType<typeof track>[] = [];
      const layer = await layerFromOpener(() => {
        sources.push(track([bytes.slice(0, 10), bytes.slice(10)]));
        return Promise.resolve(sources[sources.length - 1].stream);
      });
      assertEquals(sources.length, 1);
      assertEquals(sources[0].pulls(), 1);
      assertEquals(sources[0].cancels.length, 1);
      assertFalse(layer.digestKnown());
      await drain(await layer.compressed());
      assert(layer.digestKnown());
      await layer.digest();
      assertEquals(sources.length, 2);
    }
  });

  it("fails when it can't be opened", async () => {
    await assertRejects(() => layerFromOpener(() => Promise.reject(new Error("no such file"))), Error, "no such file");
    await assertRejects(() => layerFromOpener(() => Promise.resolve(streamFrom(new Error("cut")))), Error, "cut");
  });
});

describe("streamLayer", () => {
  it("has no digest before it was read to its end, and then has", async () => {
    const layer = streamLayer(streamOf(TAR), { annotations: { a: "b" } });
    assert(layer.content.once);
    assertEquals(layer.content.identity, undefined);
    assertFalse(layer.digestKnown());
    assertEquals(await layer.mediaType(), MediaType.OciLayerGzip);
    for (const ask of [layer.digest, layer.diffId, layer.size, layer.descriptor]) {
      const error = await assertRejects(() => ask(), StreamLayerError, "is not known before it was read to its end");
      assertEquals(error.hint, "write or upload the layer first");
    }
    const bytes = await collect(await layer.compressed());
    assert(layer.content.identity);
    assert(layer.digestKnown());
    assertEquals(await layer.descriptor(), {
      mediaType: MediaType.OciLayerGzip,
      digest: await digestBytes(bytes),
      size: bytes.length,
      annotations: { a: "b" },
    });
    assertEquals(await layer.diffId(), DIFF_ID);
  });

  it("can be read once", async () => {
    for (const [first, second] of [["compressed", "compressed"], ["uncompressed", "compressed"]] as const) {
      const layer = streamLayer(streamOf(TAR));
      await drain(await layer[first]());
      await assertRejects(() => layer[second](), StreamLayerError, "is a stream that was read already");
    }
  });

  it("knows only the diff id when it was read uncompressed", async () => {
    const layer = streamLayer(streamOf(TAR));
    assertEquals(await collect(await layer.uncompressed()), TAR);
    assertEquals(await layer.diffId(), DIFF_ID);
    await assertRejects(() => layer.digest(), StreamLayerError);
  });

  it("is stored as it is told to be", async () => {
    for (const compression of ["none", "gzip", "zstd"] as const) {
      const layer = streamLayer(streamOf(TAR), { compression });
      assertEquals(await collect(await layer.compressed()), FORMS[compression].bytes);
      assertEquals(await layer.mediaType(), FORMS[compression].mediaType);
      assertEquals(await layer.diffId(), DIFF_ID);
    }
  });

  it("learns nothing from a stream that fails or is left early", async () => {
    const failing = streamLayer(streamFrom(TAR, new Error("cut")));
    await assertRejects(async () => drain(await failing.compressed()), Error, "cut");
    await assertRejects(() => failing.digest(), StreamLayerError);
    const source = track([TAR, TAR]);
    const left = streamLayer(source.stream, { compression: "none" });
    const reader = (await left.compressed()).getReader();
    await reader.read();
    await reader.cancel("enough");
    assertEquals(source.cancels, ["enough"]);
    assertEquals(left.content.identity, undefined);
    await assertRejects(() => left.digest(), StreamLayerError);
  });
});
