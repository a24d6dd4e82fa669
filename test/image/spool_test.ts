import { assert, assertEquals, assertFalse, assertRejects, assertStrictEquals } from "@std/assert";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DigestMismatchError } from "../../src/errors.ts";
import { layerOfContent, spoolContent } from "../../src/image/internal.ts";
import { type Layer, layerFromBytes, layerFromUncompressed, streamLayer, validateLayer } from "../../src/image/mod.ts";
import { type AbortOptions, digestBytes, streamOf } from "../../src/io/mod.ts";
import { removeTemporaries, temporariesInUse } from "../../src/runtime/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { collect, streamFrom, track } from "../make/streams.ts";
import { runFile } from "../make/processes.ts";
import { bigTar, tarOf } from "../make/memory_source.ts";

const TAR = await tarOf({ "etc/motd": "hello\n" });

describe("spoolContent", () => {
  it("leaves a layer whose digest is known as it is", async () => {
    const known = await layerFromBytes(await collect(await (await layerFromBytes(TAR)).compressed()));
    const { layer, dispose } = await spool(known);
    assertStrictEquals(layer, known);
    assertEquals(temporariesInUse(), []);
    await dispose();
  });

  it("compresses a layer once, whatever is asked of it", async () => {
    let opened = 0;
    const source = layerFromUncompressed({
      uncompressed: () => {
        opened++;
        return Promise.resolve(streamOf(TAR));
      },
      annotations: { a: "b" },
    });
    assertFalse(source.digestKnown());
    const { layer, dispose } = await spool(source);
    assert(layer.digestKnown());
    const bytes = await collect(await layer.compressed());
    assertEquals(await layer.descriptor(), {
      mediaType: await source.mediaType(),
      digest: await digestBytes(bytes),
      size: bytes.length,
      annotations: { a: "b" },
    });
    assertEquals(await layer.diffId(), await digestBytes(TAR));
    assertEquals(await collect(await layer.uncompressed()), TAR);
    await validateLayer(layer);
    assertEquals(opened, 1);
    await dispose();
  });

  it("keeps what can be read only once", async () => {
    const tar = await bigTar(1, 1_000_000);
    const { layer, dispose } = await spool(streamLayer(streamOf(tar)));
    assertFalse(layer.content.once);
    assertEquals(await layer.diffId(), await digestBytes(tar));
    for (let i = 0; i < 2; i++) {
      assertEquals(await digestBytes(await collect(await layer.uncompressed())), await digestBytes(tar));
    }
    await dispose();
  });

  it("leaves nothing behind when it is disposed of, even twice", async () => {
    const { layer, dispose } = await spool(streamLayer(streamOf(TAR)));
    const [directory, ...more] = temporariesInUse();
    assertEquals([fs.existsSync(directory), more], [true, []]);
    await dispose();
    await dispose();
    assertEquals([fs.existsSync(directory), temporariesInUse()], [false, []]);
    await assertRejects(async () => collect(await layer.compressed()));
  });

  it("leaves nothing behind when the program is interrupted", async () => {
    await spool(streamLayer(streamOf(TAR)));
    const [directory] = temporariesInUse();
    assert(fs.existsSync(directory));
    removeTemporaries();
    assertFalse(fs.existsSync(directory));
  });

  it("keeps the file to its owner, and notices when it was changed", async () => {
    const { layer, dispose } = await spool(streamLayer(streamOf(TAR), { compression: "none" }));
    const [directory] = temporariesInUse();
    const file = join(directory, "layer");
    assertEquals(fs.statSync(file).mode & 0o077, 0);
    fs.writeFileSync(file, TAR.with(0, 1));
    await assertRejects(async () => collect(await layer.compressed()), DigestMismatchError, "the temporary copy of");
    await dispose();
  });

  it("leaves nothing behind when the layer fails or the caller aborts", async () => {
    await assertRejects(() => spool(streamLayer(streamFrom(TAR, new Error("cut")))), Error, "cut");
    assertEquals(temporariesInUse(), []);
    const controller = new AbortController();
    const source = track(function* () {
      yield TAR;
      controller.abort(new Error("enough"));
      yield utf8("more");
    }());
    const layer = streamLayer(source.stream, { compression: "none" });
    await assertRejects(() => spool(layer, { signal: controller.signal }), Error, "enough");
    assertEquals(temporariesInUse(), []);
    assertEquals(source.cancels.length, 1);
  });

  it("says where there is no room, and leaves the layer unread", async () => {
    const TMPDIR = "/there/is/no/such/folder";
    const { out, err } = await runFile("test/image/programs/spool.ts", [], { env: { TMPDIR } });
    assertEquals(err, "");
    assertEquals(JSON.parse(out), {
      kind: "FileError",
      message: `can't keep a layer in ${TMPDIR}: no such file or directory`,
      errno: "ENOENT",
      hint: "set TMPDIR to a directory with enough space",
      pulls: 0,
    });
  });
});

/** A layer of the spooled content of another. */
async function spool(layer: Layer, options?: AbortOptions): Promise<{ layer: Layer; dispose(): Promise<void> }> {
  const { content, dispose } = await spoolContent(layer.content, options);
  if (content === layer.content) return { layer, dispose };
  const diffId = (options?: AbortOptions) => layer.diffId(options);
  return { layer: layerOfContent(content, await layer.descriptor(), { diffId }), dispose };
}
