import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CompressionError, DigestMismatchError, ManifestError, SizeMismatchError, TarError } from "../../src/errors.ts";
import { type Layer, staticLayer } from "../../src/image/mod.ts";
import type { AbortOptions } from "../../src/io/mod.ts";
import { extractLayers } from "../../src/mutate/mod.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { file, layer, layerOf, tarOf, uncheckedLayer } from "../make/entry_layers.ts";
import { programWords } from "../make/processes.ts";
import { until } from "../make/waiting.ts";

const run = promisify(execFile);
const MIB = 1024 * 1024;

/** Reads a stream until it ends or fails; returns the number of bytes and the outcome. */
async function outcome(stream: ByteStream): Promise<{ bytes: number; error?: unknown }> {
  let bytes = 0;
  try {
    for (const reader = stream.getReader();;) {
      const { value, done } = await reader.read();
      if (done) return { bytes };
      bytes += value.length;
    }
  } catch (error) {
    return { bytes, error };
  }
}

const bigFile = (path: string, size: number) => file(path, undefined, { content: new Uint8Array(size).fill(1) });

describe("extract opens", () => {
  it("each layer once, and the next one while the one before is read", async () => {
    const stack = await Promise.all([layer(bigFile("a", MIB)), layer(bigFile("b", MIB)), layer(bigFile("c", MIB))]);
    const opened = () => stack.map(({ opened }) => opened.length);
    const reader = extractLayers(stack.map(({ layer }) => layer)).getReader();
    assertEquals(opened(), [0, 0, 0]);
    await reader.read();
    assertEquals(opened(), [0, 1, 1]);
    while (!(await reader.read()).done);
    assertEquals(opened(), [1, 1, 1]);
  });

  it("a layer that occurs twice once for each", async () => {
    const one = await layer(file("a"));
    assertEquals((await outcome(extractLayers([one.layer, one.layer]))).error, undefined);
    assertEquals(one.opened.length, 2);
  });

  it("none of it where a layer can't be opened", async () => {
    const failure = new Error("no such blob");
    const gone = { uncompressed: () => Promise.reject(failure) } as unknown as Layer;
    const fine = await layer(bigFile("a", MIB));
    assertStrictEquals((await outcome(extractLayers([fine.layer, gone]))).error, failure);
    assertEquals(fine.opened.length, 0);

    // The lower one fails while the upper one is read; its failure comes when its turn does.
    const { bytes, error } = await outcome(extractLayers([gone, fine.layer]));
    assertStrictEquals(error, failure);
    assert(bytes > MIB / 2);
    assertEquals(fine.opened.length, 1);
  });
});

describe("a corrupt layer fails the archive before it closes", () => {
  const tar = tarOf([file("a"), bigFile("b", 300_000)]);

  it("where its bytes are others", async () => {
    const { layer } = await layerOf(await tar, { spoil: (bytes) => bytes.with(200_000, 2) });
    assert((await outcome(extractLayers([layer]))).error instanceof DigestMismatchError);
  });

  it("where they are others behind the end of the archive", async () => {
    const trailed = new Uint8Array((await tar).length + 50_000);
    trailed.set(await tar);
    const good = await layerOf(trailed);
    assertEquals((await outcome(extractLayers([good.layer]))).error, undefined);
    const { layer } = await layerOf(trailed, { spoil: (bytes) => bytes.with(bytes.length - 1, 9) });
    assert((await outcome(extractLayers([layer]))).error instanceof DigestMismatchError);
  });

  it("where there are fewer or more", async () => {
    const short = await layerOf(await tar, { spoil: (bytes) => bytes.slice(0, -512) });
    assert((await outcome(extractLayers([short.layer]))).error instanceof SizeMismatchError);
    const more = await layerOf(await tar, { spoil: (bytes) => new Uint8Array(bytes.length + 1) });
    assert((await outcome(extractLayers([more.layer]))).error instanceof Error);
  });

  it("where the gzip data ends early or is damaged", async () => {
    const noise = file("n", undefined, { content: new Uint8Array(100_000).map((_, i) => (i * i * 31) >> 3) });
    const zipped = await tarOf([noise]);
    const cut = await layerOf(zipped, { compression: "gzip", spoil: (bytes) => bytes.slice(0, bytes.length / 2) });
    const cutError = (await outcome(extractLayers([cut.layer]))).error;
    assert(cutError instanceof CompressionError || cutError instanceof SizeMismatchError, String(cutError));
    const bad = await layerOf(zipped, {
      compression: "gzip",
      spoil: (bytes) => bytes.map((b, i) => i > 500 ? b ^ 255 : b),
    });
    const badError = (await outcome(extractLayers([bad.layer]))).error;
    assert(badError instanceof CompressionError || badError instanceof DigestMismatchError, String(badError));
    // Damage with a digest to match.
    const liar = await layerOf(new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 255, 255]));
    assert((await outcome(extractLayers([liar.layer]))).error instanceof CompressionError);
  });

  it("where it is no archive, or one that ends early", async () => {
    const { layer: noise } = await layerOf(new Uint8Array(2048).fill(120));
    assert((await outcome(extractLayers([noise]))).error instanceof TarError);
    const mediaType = "text/plain";
    const { error } = await outcome(extractLayers([await staticLayer(new TextEncoder().encode("hello"), mediaType)]));
    assert(error instanceof ManifestError);
    assertStringIncludes(error.message, "is of type text/plain, not a layer of files");
    assertEquals(error.hint, "this is an artifact, not an image: read its blobs instead");
    const { layer: cut } = await layerOf((await tar).slice(0, 100_000));
    assert((await outcome(extractLayers([cut]))).error instanceof TarError);
  });

  it("and lets go of the layer that is read ahead", async () => {
    const bad = await layerOf(await tar, { spoil: (bytes) => bytes.with(200_000, 2) });
    const next = await layer(bigFile("x", 20 * MIB));
    const { error } = await outcome(extractLayers([next.layer, bad.layer]));
    assert(error instanceof DigestMismatchError);
    assertEquals(next.opened.map(({ cancels }) => cancels.length), [1]);
  });
});

describe("extract, stopped half-way,", () => {
  const stack = () => Promise.all(["a", "b", "c"].map((name) => layer(bigFile(name, 20 * MIB))));

  it("by its reader, cancels all that it opened", async () => {
    const layers = await stack();
    const reader = extractLayers(layers.map(({ layer }) => layer)).getReader();
    for (let i = 0; i < 10; i++) await reader.read();
    await reader.cancel("enough");
    assertEquals(layers.map(({ opened }) => opened.map(({ cancels }) => cancels.length)), [[], [1], [1]]);
  });

  it("by its signal, does too, and fails with the signal's reason", async () => {
    const layers = await stack();
    const stop = new AbortController();
    const reader = extractLayers(layers.map(({ layer }) => layer), { signal: stop.signal }).getReader();
    for (let i = 0; i < 10; i++) await reader.read();
    const reason = new Error("stopped");
    stop.abort(reason);
    assertStrictEquals(await assertRejects(() => reader.read()), reason);
    const opened = layers.flatMap(({ opened }) => opened);
    await until(() => opened.every(({ cancels }) => cancels.length > 0));
    assertEquals(opened.map(({ cancels }) => cancels.length), [1, 1]);
  });

  it("before it began, opens nothing", async () => {
    const layers = await stack();
    const reason = new Error("stopped");
    const { error } = await outcome(
      extractLayers(layers.map(({ layer }) => layer), { signal: AbortSignal.abort(reason) }),
    );
    assertStrictEquals(error, reason);
    await extractLayers(layers.map(({ layer }) => layer)).cancel();
    assertEquals(layers.map(({ opened }) => opened.length), [0, 0, 0]);
  });

  it("while it waits for a layer's bytes, does not wait on", async () => {
    const cancelled: unknown[] = [];
    const silent = uncheckedLayer(() =>
      new ReadableStream<Bytes>({
        pull: () => new Promise(() => {}),
        cancel: (reason) => void cancelled.push(reason),
      }, { highWaterMark: 0 })
    );
    const reader = extractLayers([silent, silent]).getReader();
    const reading = reader.read();
    // Let it come to the point where it waits.
    await new Promise((resolve) => setTimeout(resolve));
    await reader.cancel();
    assertEquals((await reading).done, true);
    assertEquals(cancelled.length, 2);
  });

  it("while it waits for a layer to open, tells the layer", async () => {
    const opening = {
      uncompressed: ({ signal }: AbortOptions = {}) =>
        new Promise<ByteStream>((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason))),
    } as unknown as Layer;
    const reader = extractLayers([opening, opening]).getReader();
    const reading = reader.read();
    await new Promise((resolve) => setTimeout(resolve));
    await reader.cancel();
    assertEquals((await reading).done, true);
  });
});

describe("extract holds little in memory", () => {
  it("however large a layer is", { timeout: 60_000 }, async () => {
    const size = 300;
    const [command, ...words] = programWords("test/mutate/extract_memory.ts");
    const { stdout } = await run(command, [...words, String(size)]);
    const { written, growth, ahead } = JSON.parse(stdout);
    assert(written > size, stdout);
    assert(ahead < 8, `${ahead} MiB were read ahead`);
    assert(growth < size / 2, `memory grew by ${growth} MiB`);
  });
});
