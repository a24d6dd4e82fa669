import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  imageFromTarball,
  tarballBytes,
  type TarballEntry,
  writeTarball,
  writeTarballFile,
} from "../../src/tarball/mod.ts";
import { DigestMismatchError, NameError, SizeMismatchError } from "../../src/errors.ts";
import { emptyImage, type Layer, layerFromUncompressed, validateImage } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { type Hash, MediaType } from "../../src/spec/mod.ts";
import { readTar } from "../../src/tar/mod.ts";
import { collect, inChunks, stalling } from "../make/streams.ts";
import { imageOf, randomLayer, streamingLayer, tarOf, testLayer, textImage } from "../make/images.ts";
import { inFolder, leavingNothing } from "../make/folders.ts";
import { meeting } from "../make/waiting.ts";
import { utf8 } from "../make/bytes.ts";

/** The names of the files in an archive, in order, and what they hold. */
async function entriesOf(bytes: Bytes): Promise<Map<string, Bytes>> {
  const entries = new Map<string, Bytes>();
  for await (const entry of readTar(inChunks(bytes))) {
    assertEquals(entries.has(entry.path), false, `${entry.path} is there twice`);
    entries.set(entry.path, await entry.bytes());
  }
  return entries;
}

/** The `manifest.json` of a tarball of these images. */
async function manifestOf(...entries: TarballEntry[]): Promise<Record<string, unknown>[]> {
  const files = await entriesOf(await collect(writeTarball(entries)));
  return JSON.parse(new TextDecoder().decode(files.get("manifest.json")));
}

/** The name of a file without its extension. */
function hexOf(digest: Hash): string {
  return digest.slice(digest.indexOf(":") + 1);
}

describe("writeTarball", () => {
  it("writes config, layers and manifest.json, in that order", async () => {
    const layers = await Promise.all(["one", "two"].map(async (text) => await testLayer(await tarOf("a", text))));
    const image = imageOf(layers);
    const files = await entriesOf(await collect(writeTarball([{ image, reference: "example.com/a:v1" }])));
    const names = await Promise.all(layers.map(async (layer) => `${hexOf(await layer.digest())}.tar.gz`));
    const config = await image.configName();
    assertEquals([...files.keys()], [config, ...names, "manifest.json"]);
    assertEquals(files.get(config), await image.rawConfigFile());
    for (const [index, layer] of layers.entries()) {
      assertEquals(files.get(names[index]), await collect(await layer.compressed()));
    }
    assertEquals(
      new TextDecoder().decode(files.get("manifest.json")),
      JSON.stringify([{ Config: config, RepoTags: ["example.com/a:v1"], Layers: names }]),
    );
  });
  it("gives the same bytes for the same images, as a stream and as a file", async () => {
    await inFolder(async (folder) => {
      const big = imageOf([await randomLayer(700_001), await testLayer(await tarOf("a", "one"))]);
      const entries = [{ image: big, reference: "a:b" }, { image: await textImage("two") }];
      const bytes = await collect(writeTarball(entries));
      assertEquals(await collect(writeTarball(entries)), bytes);
      await writeTarballFile(join(folder, "a.tar"), entries);
      assertEquals(new Uint8Array(readFileSync(join(folder, "a.tar"))), bytes);
      for await (const entry of readTar(inChunks(bytes))) {
        assertEquals([entry.mode, entry.uid, entry.gid, entry.mtime, entry.uname], [0o644, 0, 0, 0, ""]);
      }
    });
  });
  it("names layers after how they are compressed", async () => {
    const types: [string, string][] = [
      [MediaType.OciLayer, ".tar"],
      [MediaType.DockerUncompressedLayer, ".tar"],
      [MediaType.OciLayerZstd, ".tar.zst"],
      [MediaType.DockerLayerZstd, ".tar.zst"],
      [MediaType.OciLayerGzip, ".tar.gz"],
      [MediaType.DockerLayer, ".tar.gz"],
      ["application/vnd.example", ".tar.gz"],
    ];
    for (const [mediaType, extension] of types) {
      const layer = await testLayer(await tarOf("a", "one"), { mediaType });
      const [{ Layers }] = await manifestOf({ image: imageOf([layer]) });
      assertEquals(Layers, [`${hexOf(await layer.digest())}${extension}`]);
    }
  });
  it("writes each layer once, within an image and between images", async () => {
    const shared = await testLayer(await tarOf("a", "shared"));
    const own = await testLayer(await tarOf("a", "own"));
    const entries = [{ image: imageOf([shared, shared]) }, { image: imageOf([shared, own]) }];
    const files = await entriesOf(await collect(writeTarball(entries)));
    assertEquals([...files.keys()].filter((name) => name.endsWith(".tar.gz")).length, 2);
    const manifest = JSON.parse(new TextDecoder().decode(files.get("manifest.json")));
    const name = `${hexOf(await shared.digest())}.tar.gz`;
    assertEquals(manifest[0].Layers, [name, name]);
  });
  it("writes tags as they were typed, with latest where there is none", async () => {
    const image = emptyImage();
    const tags = async (...references: (string | undefined)[]) =>
      (await manifestOf(...references.map((reference) => ({ image, reference })))).map(({ RepoTags }) => RepoTags);
    assertEquals(await tags("ubuntu"), [["ubuntu:latest"]]);
    assertEquals(await tags("localhost:5000/a"), [["localhost:5000/a:latest"]]);
    assertEquals(await tags("localhost:5000/a:v1"), [["localhost:5000/a:v1"]]);
    assertEquals(await tags("a:latest"), [["a:latest"]]);
    assertEquals(await tags(undefined), [null]);
    assertEquals(await tags(`a@sha256:${"0".repeat(64)}`), [null]);
    // One image with several names is one entry.
    assertEquals(await tags("a:1", "b:2", "a:1", undefined), [["a:1", "b:2"]]);
  });
  it("refuses a reference that is none, and no images at all", async () => {
    await assertRejects(() => collect(writeTarball([{ image: emptyImage(), reference: "A B" }])), NameError);
    await assertRejects(() => collect(writeTarball([])), TypeError, "at least one image");
  });
  it("keeps the descriptors of foreign layers", async () => {
    const foreign = await testLayer(await tarOf("a", "foreign"), {
      mediaType: MediaType.DockerForeignLayer,
      urls: ["https://example.com/layer"],
    });
    const image = imageOf([foreign, await testLayer(await tarOf("a", "own"))]);
    const [manifest] = await manifestOf({ image });
    assertEquals(manifest.LayerSources, { [await foreign.diffId()]: await foreign.descriptor() });
    const copy = await imageFromTarball(tarballBytes(await collect(writeTarball([{ image }]))));
    assertEquals((await copy.manifest()).layers[0], await foreign.descriptor());
  });
  it("writes layers whose digests are not known, and leaves no temporary file", async () => {
    const [first, second] = [await tarOf("a", "streamed"), await tarOf("b", "lazy")];
    let opened = 0;
    const lazy = layerFromUncompressed({ uncompressed: () => (opened++, Promise.resolve(inChunks(second))) });
    const image = imageOf([streamingLayer(first), lazy, lazy]);
    let bytes: Bytes = new Uint8Array(0);
    await leavingNothing(async () => {
      bytes = await collect(writeTarball([{ image, reference: "a:b" }]));
    });
    const copy = await imageFromTarball(tarballBytes(bytes));
    await validateImage(copy);
    assertEquals((await copy.configFile()).rootfs.diff_ids, [
      await digestBytes(first),
      await digestBytes(second),
      await digestBytes(second),
    ]);
    assertEquals(opened, 1);
  });
  it("reads nothing before it is read", async () => {
    let opened = 0;
    const layer = await testLayer(await tarOf("a", "one"), { onOpen: (stream) => (opened++, stream) });
    const stream = writeTarball([{ image: imageOf([layer]) }]);
    assertEquals(opened, 0);
    await stream.cancel();
    assertEquals(opened, 0);
  });
  it("fails when a layer is not what it was said to be", async () => {
    const content = await tarOf("a", "one");
    const good = await testLayer(content);
    const { size, mediaType } = await good.descriptor();
    const write = (layer: Layer) => () => collect(writeTarball([{ image: imageOf([layer]) }]));
    const others = await testLayer(content, { onOpen: () => inChunks(utf8("x".repeat(size))) });
    await assertRejects(write(others), DigestMismatchError);
    const fewer = await testLayer(content, { onOpen: () => inChunks(utf8("x")) });
    await assertRejects(write(fewer), SizeMismatchError);

    // Creates layers of a custom class, which do not verify themselves.
    const careless = (give: number, say: number): Layer => ({
      ...good,
      content: {
        identity: { digest: good.content.identity!.digest, size: say },
        once: false,
        origins: [],
        open: () => Promise.resolve(inChunks(utf8("x".repeat(give)))),
      },
      descriptor: async () => ({ mediaType, digest: await good.digest(), size: say }),
    });
    await assertRejects(write(careless(5, 6)), SizeMismatchError, "fewer");
    await assertRejects(write(careless(7, 6)), SizeMismatchError, "more");
    let asked = 0;
    const fickle: Layer = {
      ...good,
      digest: async () => asked++ === 0 ? `sha256:${"0".repeat(64)}` : await good.digest(),
      descriptor: () => Promise.resolve({ mediaType, digest: `sha256:${"1".repeat(64)}`, size }),
    };
    await assertRejects(write(fickle), DigestMismatchError);
  });
  it("fetches small layers while a large one is on its way, and large ones in their turn", {
    timeout: 20_000,
  }, async () => {
    const meet = meeting(3);
    const opened: string[] = [];
    const watched = (name: string, size: number, wait: boolean) =>
      randomLayer(size, {
        onOpen: async (stream) => {
          opened.push(name);
          // The large layer does not go on before both small ones are fetched.
          if (wait) await meet();
          return stream;
        },
      });
    const image = imageOf([
      await watched("large", 5_000_000, true),
      await watched("larger", 5_000_001, false),
      await watched("small", 1000, true),
      await watched("smaller", 500, true),
    ]);
    await collect(writeTarball([{ image }]));
    assertEquals(opened.indexOf("larger"), 3);
  });
  it("cancels its layers, and what it fetches ahead, when it is cancelled or aborted", {
    timeout: 20_000,
  }, async () => {
    for (const how of ["cancel", "abort"]) {
      // Both layers stall once their first chunk is given: one in its turn, the other ahead of it.
      const stalled = meeting(3);
      const cancelled = meeting(3);
      const layers = await Promise.all(
        [100_000, 100_001].map((size) =>
          randomLayer(size, { onOpen: (stream) => stalling(stream, () => void stalled(), () => void cancelled()) })
        ),
      );
      const abort = new AbortController();
      const reader = writeTarball([{ image: imageOf(layers) }], { signal: abort.signal }).getReader();
      const read = reader.read().catch((error) => error);
      await stalled();
      if (how === "cancel") await reader.cancel();
      else abort.abort(new Error("enough"));
      await cancelled();
      if (how === "abort") assertEquals((await read).message, "enough");
    }
  });
  it("can be cancelled while it finds out the digest of a layer", { timeout: 20_000 }, async () => {
    await leavingNothing(async () => {
      const stalled = Promise.withResolvers<void>();
      const cancelled = Promise.withResolvers<void>();
      const tar = await tarOf("a", "one");
      const layer = layerFromUncompressed({
        uncompressed: () => Promise.resolve(stalling(inChunks(tar), stalled.resolve, cancelled.resolve)),
      });
      const reader = writeTarball([{ image: imageOf([layer]) }]).getReader();
      const read = reader.read();
      await stalled.promise;
      await reader.cancel();
      assertEquals((await read).done, true);
      await cancelled.promise;
    });
  });
});
