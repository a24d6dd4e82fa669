import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import * as crane from "../../src/crane/mod.ts";
import { TarError } from "../../src/errors.ts";
import { uncompressedSize } from "../../src/image/mod.ts";
import { readTar } from "../../src/tar/mod.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

describe("crane.layer", () => {
  // The digests of the archives that archive/tar of Go writes for a header with a name and a size alone.
  for (
    const [what, files, diffId] of [
      ["no file", {}, "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"],
      ["one file", { "/test": "testy" }, "sha256:23db89a59ae4a121b898c6ff3ed698fb76f34f02a59edc00b6a554f679297d11"],
      [
        "two files, in any order",
        { "/testalt": "footesty", "/test": utf8("testy") },
        "sha256:1063e4d3e68a1de07d605c49885a488d3cb66d7263044b462856ba115daa6f35",
      ],
    ] as const
  ) {
    it(`has the content of Go's for ${what}`, async () =>
      assertEquals(await (await crane.layer(files)).diffId(), diffId));
  }

  it("sorts names by their bytes", async () => {
    const layer = await crane.layer({ "\u{1F600}": "", "\uFFFD": "", "b": "", "a/c": "", "B": "" });
    const names: string[] = [];
    for await (const { path } of readTar(await layer.uncompressed())) names.push(path);
    assertEquals(names, ["B", "a/c", "b", "\uFFFD", "\u{1F600}"]);
  });

  it("takes a mode, and a compression", async () => {
    const layer = await crane.layer({ "bin/app": "#!" }, { mode: 0o755, compression: "zstd" });
    assertEquals(await layer.mediaType(), "application/vnd.oci.image.layer.v1.tar+zstd");
    for await (const { header } of readTar(await layer.uncompressed())) assertEquals(header.mode, 0o755);
  });

  it("refuses a name that no archive can have", async () => {
    await assertRejects(async () => await (await crane.layer({ "": "x" })).diffId(), TarError);
  });
});

describe("crane.image", () => {
  it("is an image of one layer with the files, the same each time", async () => {
    const files = { "app.js": "1", "lib/a.js": "2" };
    const image = await crane.image(files);
    const [layer, ...others] = await image.layers();
    assertEquals([await layer.diffId(), others.length], [await (await crane.layer(files)).diffId(), 0]);
    assertEquals(await image.digest(), await (await crane.image(files)).digest());
    assertEquals((await image.configFile()).rootfs.diff_ids, [await layer.diffId()]);
  });
});

describe("uncompressedSize", () => {
  it("is the number of bytes of the tar", async () => {
    assertEquals(await uncompressedSize(await crane.layer({})), 1024);
    const layer = await crane.layer({ a: new Uint8Array(5000) });
    assertEquals(await uncompressedSize(layer), 512 + 5120 + 1024);
  });

  it("ends if its signal aborts", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(async () => await uncompressedSize(await crane.layer({ a: "b" }), { signal }), Error, "enough");
  });
});
