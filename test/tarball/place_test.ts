import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { TarballError } from "../../src/errors.ts";
import { transfer } from "../../src/graph/mod.ts";
import type { Image, Layer, Place } from "../../src/image/mod.ts";
import { type Bytes, temporariesInUse } from "../../src/runtime/mod.ts";
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
