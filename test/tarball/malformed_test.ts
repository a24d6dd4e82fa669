import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { imageFromTarball, tarballBytes, type TarballSource, tarballStream } from "../../src/tarball/mod.ts";
import { CompressionError, DigestMismatchError, GcraneError, TarballError } from "../../src/errors.ts";
import { digestBytes } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { collect, inChunks } from "../make/streams.ts";
import { archiveOf, contentsOf, dockerSave, manifestJson, saved } from "../make/saved_tarballs.ts";

/** Reads all of an image. */
async function readAllOf(source: TarballSource): Promise<void> {
  const image = await imageFromTarball(source);
  for (const layer of await image.layers()) await collect(await layer.uncompressed());
}

describe("imageFromTarball, of what is no such tarball", () => {
  async function complaint(source: TarballSource): Promise<TarballError> {
    const error = await assertRejects(() => imageFromTarball(source), TarballError);
    assertEquals(error.message.includes("\n"), false);
    assertStringIncludes(error.message, source.name);
    return error;
  }
  /** A tarball with this in its `manifest.json`. */
  async function described(image: object): Promise<TarballSource> {
    const contents = await contentsOf("one");
    return await saved(
      { path: "l.tar", content: contents.tars[0] },
      { path: "c.json", content: contents.config },
      { path: "d/", type: "directory" },
      manifestJson({ Config: "c.json", Layers: ["l.tar"], ...image }),
    );
  }

  it("refuses what is no tar archive", async () => {
    const random = crypto.getRandomValues(new Uint8Array(5000));
    random[0] = 1;
    assertStringIncludes((await complaint(tarballBytes(random))).message, "is not a whole tar archive");
    assertStringIncludes((await complaint(tarballBytes(new Uint8Array(0)))).message, "has no manifest.json");
    assertStringIncludes((await complaint(tarballBytes(new Uint8Array(1024)))).message, "has no manifest.json");
    const text = new TextEncoder().encode("FROM scratch\n");
    assertStringIncludes((await complaint(tarballBytes(text))).message, "is not a whole tar archive");
  });
  it("refuses a manifest.json that is nested deeper than 1,000 levels", async () => {
    const content = new TextEncoder().encode("[".repeat(4_000) + "]".repeat(4_000));
    const source = await saved({ path: "manifest.json", content });
    assertStringIncludes((await complaint(source)).message, "is nested deeper than 1000 levels");
  });
  it("refuses corrupt gzip", async () => {
    const bytes = new Uint8Array(gzipSync(await dockerSave(await contentsOf("one"))));
    assertStringIncludes((await complaint(tarballBytes(bytes.subarray(0, bytes.length / 2)))).message, "gzip");
    const garbled = bytes.slice();
    garbled.fill(0xff, 20, 60);
    await complaint(tarballBytes(garbled));
  });
  it("notices an archive that is cut off anywhere (rule 11)", async () => {
    const bytes = await dockerSave(await contentsOf("one".repeat(500_000), "two".repeat(1000)));
    // The two zero blocks at the end may be missing: everything is there without them.
    const cuts = [1, 100, 512, 1000, 5000, 1_000_000, bytes.length - 3000, bytes.length - 1500];
    for (const cut of cuts) {
      const cutOff = bytes.slice(0, cut);
      for (const source of [tarballBytes(cutOff), tarballStream(() => Promise.resolve(inChunks(cutOff)))]) {
        await assertRejects(() => readAllOf(source), TarballError, undefined, `cut off at ${cut}`);
      }
    }
    await readAllOf(tarballBytes(bytes.slice(0, bytes.length - 1024)));
  });
  it("refuses sizes that are negative or beyond the end (rule 11)", async () => {
    const bytes = await dockerSave(await contentsOf("one"));
    const at = 512 * 3; // the header of 0/layer.tar
    const withSize = (field: Uint8Array) => {
      const copy = bytes.slice();
      copy.set(field, at + 124);
      copy.fill(0x20, at + 148, at + 156);
      const sum = copy.subarray(at, at + 512).reduce((sum, byte) => sum + byte, 0);
      copy.set(new TextEncoder().encode(sum.toString(8).padStart(6, "0")), at + 148);
      copy[at + 154] = 0;
      return copy;
    };
    assertEquals(new TextDecoder().decode(bytes.subarray(at, at + 11)), "0/layer.tar");
    const negative = new Uint8Array(12).fill(0xff);
    const huge = new Uint8Array(12).fill(0x7f);
    huge[0] = 0x80;
    const large = new TextEncoder().encode("77777777777\0");
    for (const field of [negative, huge, large]) await complaint(tarballBytes(withSize(field)));
  });
  it("refuses more entries than any image has", { timeout: 60_000 }, async () => {
    let made = 0;
    const source = tarballStream(() =>
      Promise.resolve(
        new ReadableStream<Bytes>({
          async pull(controller) {
            const entries = Array.from({ length: 1000 }, () => ({ path: `entry-${made++}` }));
            controller.enqueue((await archiveOf(...entries)).slice(0, 512 * 1000));
          },
        }, { highWaterMark: 0 }),
      )
    );
    await assertRejects(() => imageFromTarball(source), GcraneError, "has more than 100000 entries");
  });
  it("refuses a compressed tarball that grows beyond all measure", async () => {
    const bytes = await archiveOf({ path: "zeros", content: new Uint8Array(70 * 1024 * 1024) });
    const bomb = new Uint8Array(zstdCompressSync(bytes));
    const error = await assertRejects(() => imageFromTarball(tarballBytes(bomb)), GcraneError);
    assertEquals(error.code, "LIMIT_EXCEEDED");
  });
  it("names a compression that is not read", async () => {
    const bytes = new TextEncoder().encode("BZh91AY&SY and so on");
    const error = await assertRejects(() => imageFromTarball(tarballBytes(bytes, "app.tar.bz2")), CompressionError);
    assertEquals(error.message, "app.tar.bz2 is compressed with bzip2, which is not read");
    assertEquals(error.hint, "decompress it, or compress it with gzip or zstd");
    const inside = await assertRejects(async () => {
      const image = await imageFromTarball(
        await saved(
          { path: "l.tar", content: bytes },
          { path: "c.json", content: (await contentsOf("one")).config },
          manifestJson({ Config: "c.json", Layers: ["l.tar"] }),
        ),
      );
      await image.layers();
    }, CompressionError);
    assertStringIncludes(inside.message, "is compressed with bzip2");
  });
  it("says what to do with other formats", async () => {
    const json = new TextEncoder().encode("{}");
    const layout = await complaint(await saved({ path: "index.json", content: json }));
    assertEquals(
      layout.hint,
      "it has index.json, but not the file oci-layout of an OCI image layout: make the archive again",
    );
    const old = await complaint(await saved({ path: "repositories", content: json }));
    assertStringIncludes(old.hint!, "Docker older than 1.10");
    const other = await complaint(await saved({ path: "etc/passwd", content: json }));
    assertStringIncludes(other.hint!, "docker save");
  });
  it("refuses a manifest.json that is not one", async () => {
    const manifest = (text: string) => saved({ path: "manifest.json", content: new TextEncoder().encode(text) });
    assertStringIncludes((await complaint(await manifest("["))).message, "is not JSON");
    assertStringIncludes((await complaint(await manifest("{}"))).message, "lists no images");
    assertStringIncludes((await complaint(await manifest("[]"))).message, "lists no images");
    assertStringIncludes((await complaint(await manifest("[1]"))).message, "image 0 is not an object");
    assertStringIncludes((await complaint(await manifest("[null]"))).message, "image 0 is not an object");
    assertStringIncludes((await complaint(await manifest("[{}]"))).message, "names no Config");
    assertStringIncludes((await complaint(await described({ Layers: "l.tar" }))).message, "Layers is not a list");
    assertStringIncludes((await complaint(await described({ RepoTags: [1] }))).message, "RepoTags is not a list");
    assertStringIncludes((await complaint(await described({ LayerSources: { a: {} } }))).message, "LayerSources");
  });
  it("says which part is missing", async () => {
    assertStringIncludes((await complaint(await described({ Config: "x.json" }))).message, "has no x.json");
    assertStringIncludes((await complaint(await described({ Layers: ["x.tar"] }))).message, "has no x.tar");
    assertStringIncludes((await complaint(await described({ Layers: ["d"] }))).message, "d is not a file");
  });
  it("refuses a config that is not one, or disagrees on the number of layers", async () => {
    assertStringIncludes((await complaint(await described({ Config: "l.tar" }))).message, "is not JSON");
    const none = await complaint(await described({ Layers: [] }));
    assertStringIncludes(none.message, "has 0 layers, but its config has 1 diff ids");
    const two = await complaint(await described({ Layers: ["l.tar", "l.tar"] }));
    assertStringIncludes(two.message, "has 2 layers, but its config has 1 diff ids");
  });
  it("refuses links that lead in a circle or nowhere (rule 11)", async () => {
    const linked = async (...links: [string, string][]) =>
      await saved(
        ...links.map(([path, linkname]) => ({ path, type: "symlink" as const, linkname })),
        manifestJson({ Config: "a", Layers: [] }),
      );
    assertStringIncludes((await complaint(await linked(["a", "b"], ["b", "a"]))).message, "in a circle from a");
    assertStringIncludes((await complaint(await linked(["a", "a"]))).message, "in a circle from a");
    const nowhere = await complaint(await linked(["a", "sub/b"]));
    assertStringIncludes(nowhere.message, "has no sub/b, to which a leads");
    assertStringIncludes((await complaint(await linked(["a", "../../etc/passwd"]))).message, "has no etc/passwd");
    const itself = await saved(
      { path: "manifest.json", type: "link", linkname: "manifest.json" },
      { path: "x", content: new Uint8Array(1) },
    );
    assertStringIncludes((await complaint(itself)).message, "in a circle");
  });
  it("notices a layer that is not what the config says", async () => {
    const contents = await contentsOf("one");
    const bytes = await dockerSave(contents);
    const at = new TextDecoder("latin1").decode(bytes).indexOf("one");
    bytes[at] ^= 1;
    const image = await imageFromTarball(tarballBytes(bytes));
    const [layer] = await image.layers();
    await assertRejects(async () => await collect(await layer.uncompressed()), DigestMismatchError, "0/layer.tar");
    await assertRejects(() => image.manifest(), DigestMismatchError);
  });
  it("notices a compressed layer that is corrupt", async () => {
    const contents = await contentsOf("one");
    const compressed = new Uint8Array(gzipSync(contents.tars[0]));
    const image = await imageFromTarball(
      await saved(
        { path: "l.tar.gz", content: compressed.slice(0, 30) },
        { path: "c.json", content: contents.config },
        manifestJson({ Config: "c.json", Layers: ["l.tar.gz"] }),
      ),
    );
    const [layer] = await image.layers();
    await assertRejects(async () => await collect(await layer.uncompressed()), CompressionError, "l.tar.gz");
  });

  it("notices a compressed layer that is not what it is named by", async () => {
    const contents = await contentsOf("one", "two");
    const [right, wrong] = contents.tars.map((tar) => new Uint8Array(gzipSync(tar)));
    const name = (await digestBytes(right)).replace("sha256:", "");
    const config = jsonBytes({
      ...JSON.parse(new TextDecoder().decode(contents.config)),
      rootfs: { type: "layers", diff_ids: [contents.diffIds[0]] },
      history: [],
    });
    const layerOf = async (content: Bytes, path: string) => {
      const image = await imageFromTarball(
        await saved(
          { path, content },
          { path: "c.json", content: config },
          manifestJson({ Config: "c.json", Layers: [path] }),
        ),
      );
      return (await image.layers())[0];
    };
    for (const path of [`${name}.tar.gz`, `blobs/sha256/${name}`]) {
      assertEquals(await (await layerOf(right, path)).digest(), await digestBytes(right));
      const layer = await layerOf(wrong, path);
      for (const ask of [() => layer.digest(), () => layer.descriptor()]) {
        await assertRejects(ask, DigestMismatchError, path);
      }
    }
    // Other file names for layers are valid.
    for (const path of ["layer.tar.gz", `${"0".repeat(64)}.tar.gz`]) {
      assertEquals(await (await layerOf(right, path)).digest(), await digestBytes(right));
    }
  });
});
