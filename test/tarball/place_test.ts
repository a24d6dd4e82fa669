import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { TarballError } from "../../src/errors.ts";
import { transfer, TransferState } from "../../src/graph/mod.ts";
import type { Image, Layer, Place } from "../../src/image/mod.ts";
import { type Bytes, openFile, temporariesInUse } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import {
  tarballBytes,
  tarballContents,
  tarballFile,
  type TarballSource,
  writeOciArchive,
  writeTarball,
} from "../../src/tarball/mod.ts";
import { ModelSink, World } from "../fakes/model_sink.ts";
import { collect } from "../make/streams.ts";
import { imageOf, tarOf, testLayer } from "../make/images.ts";
import { inFolder } from "../make/folders.ts";
import { noise } from "../make/bytes.ts";

/** An image whose first layer is not distributed. */
async function sample(): Promise<Image> {
  const foreign = { mediaType: MediaType.DockerForeignLayer, urls: ["https://example.com/layer"] };
  return imageOf([await testLayer(await tarOf("a", "foreign"), foreign), await testLayer(await tarOf("b", "own"))]);
}

/** The archives that hold an image. */
const ARCHIVES: Readonly<Record<string, (image: Image) => Promise<Bytes>>> = {
  docker: (image) => collect(writeTarball([{ image }])),
  oci: (image) => collect(writeOciArchive([{ view: image }])),
};

async function layersIn(source: TarballSource): Promise<readonly Layer[]> {
  return await (await imageIn(source)).layers();
}

async function imageIn(source: TarballSource): Promise<Image> {
  const contents = await tarballContents(source);
  if (contents.kind === "images") return await contents.image();
  const [{ view }] = await contents.index.children();
  assert(view.kind === "image");
  return view;
}

async function readPlace(place: Place | undefined): Promise<Bytes> {
  assert(place?.kind === "file");
  const file = await place.open();
  return await collect(file.stream({ offset: place.offset, length: place.length, closeWhenDone: true }));
}

for (const [name, archiveOf] of Object.entries(ARCHIVES)) {
  describe(`a layer of a ${name} archive`, () => {
    it("lies in a part of the file", () =>
      inFolder(async (folder) => {
        const image = await sample();
        const path = join(folder, "a.tar");
        writeFileSync(path, await archiveOf(image));
        const layers = await layersIn(tarballFile(path));
        for (const [index, layer] of (await image.layers()).entries()) {
          const bytes = await collect(await layer.compressed());
          const { content } = layers[index];
          assertEquals(await readPlace(content.place), bytes);
          assertEquals(await collect(await content.open({ offset: 7 })), bytes.slice(7));
          assertEquals(await collect(await content.open({ offset: bytes.length })), new Uint8Array(0));
        }
      }));

    it("has no place where the archive is compressed, or in no file", () =>
      inFolder(async (folder) => {
        const image = await sample();
        const path = join(folder, "a.tar.gz");
        const archive = await archiveOf(image);
        writeFileSync(path, gzipSync(archive));
        for (const source of [tarballFile(path), tarballBytes(archive)]) {
          for (const [index, { content }] of (await layersIn(source)).entries()) {
            assertEquals(content.place, undefined);
            const bytes = await collect(await (await image.layers())[index].compressed());
            assertEquals(await collect(await content.open({ offset: 7 })), bytes.slice(7));
          }
        }
      }));

    it("is not opened in a file that was changed", () =>
      inFolder(async (folder) => {
        const path = join(folder, "a.tar");
        writeFileSync(path, await archiveOf(await sample()));
        const [{ content }] = await layersIn(tarballFile(path));
        utimesSync(path, 1, 1);
        await assertRejects(() => readPlace(content.place), TarballError, "was changed while it was being read");
      }));

    it("is sent without a copy", () =>
      inFolder(async (folder) => {
        const image = await sample();
        const path = join(folder, "a.tar");
        writeFileSync(path, await archiveOf(image));
        const world = new World();
        const sink = new ModelSink(world, "sink");
        world.onCall = (_, { kind }) => void (kind === "putBlob" && assertEquals(temporariesInUse(), []));
        await transfer([{ view: await imageIn(tarballFile(path)) }], sink);
        assertEquals(world.count("putBlob"), 3);
        for (const layer of await image.layers()) {
          assertEquals(sink.blobs.get(await layer.digest()), await collect(await layer.compressed()));
        }
      }));
  });
}

describe("a layer of a docker archive whose name is no proof", () => {
  /** The archive's file, with the ranges that are read as streams. */
  function watched(path: string, reads: unknown[], bytesOf: string = path): TarballSource {
    const source = tarballFile(path);
    return {
      name: source.name,
      async open(options) {
        const { size, read } = await source.open(options);
        return { size, read: (range) => (reads.push(range), read(range)), openFile: () => openFile(bytesOf) };
      },
    };
  }

  it("gets its digest from where it lies, and not from a stream", () =>
    inFolder(async (folder) => {
      const image = imageOf([await testLayer(await tarOf("a", noise(700_000)))]);
      const path = join(folder, "a.tar");
      writeFileSync(path, await ARCHIVES.docker(image));
      const reads: unknown[] = [];
      const layers = await layersIn(watched(path, reads));
      reads.length = 0;
      const [own] = await image.layers();
      const state = new TransferState();
      const spooled = await state.spool(layers[0].content, {});
      assertEquals(spooled.content.identity, { digest: await own.digest(), size: await own.size() });
      assertEquals(await layers[0].digest(), await own.digest());
      assertEquals(reads, []);
      assertEquals(await collect(await layers[0].compressed()), await collect(await own.compressed()));
      await spooled.dispose();
    }));

  it("has no digest where its file ends before it does", () =>
    inFolder(async (folder) => {
      const path = join(folder, "a.tar");
      const archive = await ARCHIVES.docker(imageOf([await testLayer(await tarOf("a", noise(700_000)))]));
      writeFileSync(path, archive);
      writeFileSync(join(folder, "short"), archive.subarray(0, 500_000));
      const [layer] = await layersIn(watched(path, [], join(folder, "short")));
      await assertRejects(() => layer.digest(), TarballError, "ends early");
    }));
});
