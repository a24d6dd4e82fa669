import { assert, assertEquals, assertFalse, assertRejects, assertStrictEquals } from "@std/assert";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, it } from "node:test";
import { DigestMismatchError, FileError } from "../../src/errors.ts";
import { layerOfContent, spoolContent } from "../../src/image/internal.ts";
import { type Layer, layerFromBytes, layerFromUncompressed, streamLayer, validateLayer } from "../../src/image/mod.ts";
import { type AbortOptions, digestBytes, streamOf } from "../../src/io/mod.ts";
import { removeTemporaries } from "../../src/runtime/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { collect, streamFrom, track } from "../make/streams.ts";
import { bigTar, tarOf } from "../make/memory_source.ts";

const TAR = await tarOf({ "etc/motd": "hello\n" });

let directory: string;
let before: string | undefined;

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "spool-test-"));
  before = process.env.TMPDIR;
  process.env.TMPDIR = directory;
});

afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  fs.rmSync(directory, { recursive: true, force: true });
});

describe("spoolContent", () => {
  it("leaves a layer whose digest is known as it is", async () => {
    const known = await layerFromBytes(await collect(await (await layerFromBytes(TAR)).compressed()));
    const { layer, dispose } = await spool(known);
    assertStrictEquals(layer, known);
    assertEquals(fs.readdirSync(directory), []);
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
    assertEquals(fs.readdirSync(directory).length, 1);
    await dispose();
    await dispose();
    assertEquals(fs.readdirSync(directory), []);
    await assertRejects(async () => collect(await layer.compressed()));
  });

  it("leaves nothing behind when the program is interrupted", async () => {
    await spool(streamLayer(streamOf(TAR)));
    removeTemporaries();
    assertEquals(fs.readdirSync(directory), []);
  });

  it("keeps the file to its owner, and notices when it was changed", async () => {
    const { layer, dispose } = await spool(streamLayer(streamOf(TAR), { compression: "none" }));
    const [name] = fs.readdirSync(directory);
    const file = join(directory, name, "layer");
    assertEquals(fs.statSync(file).mode & 0o077, 0);
    fs.writeFileSync(file, TAR.with(0, 1));
    await assertRejects(async () => collect(await layer.compressed()), DigestMismatchError, "the temporary copy of");
    await dispose();
  });

  it("leaves nothing behind when the layer fails or the caller aborts", async () => {
    await assertRejects(() => spool(streamLayer(streamFrom(TAR, new Error("cut")))), Error, "cut");
    assertEquals(fs.readdirSync(directory), []);
    const controller = new AbortController();
    const source = track(function* () {
      yield TAR;
      controller.abort(new Error("enough"));
      yield utf8("more");
    }());
    const layer = streamLayer(source.stream, { compression: "none" });
    await assertRejects(() => spool(layer, { signal: controller.signal }), Error, "enough");
    assertEquals(fs.readdirSync(directory), []);
    assertEquals(source.cancels.length, 1);
  });

  it("says where there is no room, and leaves the layer unread", async () => {
    process.env.TMPDIR = join(directory, "missing");
    const source = track([TAR]);
    const error = await assertRejects(() => spool(streamLayer(source.stream)), FileError);
    assert(
      error.message.startsWith(`can't keep a layer in ${join(directory, "missing")}: no such file`),
      error.message,
    );
    assertEquals(error.errno, "ENOENT");
    assertEquals(error.hint, "set TMPDIR to a directory with enough space");
    assertEquals(source.pulls(), 0);
  });
});

/** A layer of the spooled content of another. */
async function spool(layer: Layer, options?: AbortOptions): Promise<{ layer: Layer; dispose(): Promise<void> }> {
  const { content, dispose } = await spoolContent(layer.content, options);
  if (content === layer.content) return { layer, dispose };
  const diffId = (options?: AbortOptions) => layer.diffId(options);
  return { layer: layerOfContent(content, await layer.descriptor(), { diffId }), dispose };
}
