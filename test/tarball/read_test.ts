import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { appendFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import {
  imageFromTarball,
  loadManifest,
  tarballBytes,
  tarballFile,
  tarballImages,
  type TarballSource,
  tarballStream,
  writeTarball,
} from "../../src/tarball/mod.ts";
import { FileError, GcraneError, TarballError } from "../../src/errors.ts";
import { type Image, validateImage } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { type Hash, MediaType } from "../../src/spec/mod.ts";
import { writeTar } from "../../src/tar/mod.ts";
import { collect, inChunks } from "../make/streams.ts";
import { imageOf, testLayer, textImage } from "../make/images.ts";
import { inFolder } from "../make/folders.ts";
import { type Contents, contentsOf, dockerSave, manifestJson, saved } from "../make/saved_tarballs.ts";

/** Checks that an image holds these contents, by each of the ways to read it. */
async function assertHolds(image: Image, { config, diffIds, tars }: Contents): Promise<void> {
  assertEquals(await image.rawConfigFile(), config);
  const layers = await image.layers();
  assertEquals(await Promise.all(layers.map((layer) => layer.diffId())), diffIds);
  for (const [index, layer] of layers.entries()) {
    assertEquals(await collect(await layer.uncompressed()), tars[index]);
    const stored = await collect(await layer.compressed());
    assertEquals(await layer.digest(), await digestBytes(stored));
    assertEquals(await layer.size(), stored.length);
    assertEquals(new Uint8Array(gunzipSync(stored)), tars[index]);
  }
  assertEquals(await image.mediaType(), MediaType.DockerManifestSchema2);
  const manifest = await image.manifest();
  assertEquals(manifest.config.mediaType, MediaType.DockerConfigJson);
  assertEquals(manifest.layers.every(({ mediaType }) => mediaType === MediaType.DockerLayer), true);
}

describe("imageFromTarball", () => {
  it("reads what docker save wrote, from a file, memory, a blob and a stream", async () => {
    const contents = await contentsOf("one", "two");
    const bytes = await dockerSave(contents);
    await inFolder(async (folder) => {
      const path = join(folder, "image.tar");
      writeFileSync(path, bytes);
      const sources = [
        tarballFile(path),
        tarballBytes(bytes),
        tarballBytes(new Blob([bytes])),
        tarballStream(() => Promise.resolve(inChunks(bytes))),
      ];
      for (const source of sources) await assertHolds(await imageFromTarball(source), contents);
    });
  });
  it("reads tarballs that are compressed themselves", async () => {
    const contents = await contentsOf("one", "two");
    const bytes = await dockerSave(contents);
    for (const compressed of [gzipSync(bytes), zstdCompressSync(bytes)]) {
      const copy = new Uint8Array(compressed);
      await assertHolds(await imageFromTarball(tarballBytes(copy)), contents);
      await assertHolds(await imageFromTarball(tarballStream(() => Promise.resolve(inChunks(copy)))), contents);
    }
  });
  it("keeps the bytes of layers that are compressed, whatever they are called", async () => {
    const contents = await contentsOf("one", "two", "three");
    const stored: Bytes[] = [
      new Uint8Array(gzipSync(contents.tars[0], { level: 9 })),
      new Uint8Array(zstdCompressSync(contents.tars[1])),
      contents.tars[2],
    ];
    const names = ["blobs/sha256/a", "b.tar", "c.tar.gz"];
    const image = await imageFromTarball(
      await saved(
        ...stored.map((content, index) => ({ path: names[index], content })),
        { path: "config", content: contents.config },
        manifestJson({ Config: "config", Layers: names }),
      ),
    );
    const layers = await image.layers();
    for (const [index, tar] of contents.tars.entries()) {
      assertEquals(await collect(await layers[index].uncompressed()), tar);
      assertEquals(await layers[index].diffId(), contents.diffIds[index]);
    }
    for (const index of [0, 1]) assertEquals(await collect(await layers[index].compressed()), stored[index]);
    const { DockerLayer, DockerLayerZstd } = MediaType;
    const { layers: descriptors } = await image.manifest();
    assertEquals(descriptors.map(({ mediaType }) => mediaType), [DockerLayer, DockerLayerZstd, DockerLayer]);
    assertEquals(descriptors[0], {
      mediaType: DockerLayer,
      digest: await digestBytes(stored[0]),
      size: stored[0].length,
    });
  });
  it("reads what Docker 25 writes, which is an OCI layout too", async () => {
    const contents = await contentsOf("one");
    const blob = (digest: string) => `blobs/sha256/${digest.replace("sha256:", "")}`;
    const image = await imageFromTarball(
      await saved(
        { path: "blobs/", type: "directory" },
        { path: blob(contents.diffIds[0]), content: contents.tars[0] },
        { path: blob(contents.id), content: contents.config },
        { path: "index.json", content: new TextEncoder().encode("{}") },
        manifestJson({
          Config: blob(contents.id),
          RepoTags: ["a:b"],
          Layers: [blob(contents.diffIds[0])],
          LayerSources: {
            [contents.diffIds[0]]: {
              mediaType: MediaType.OciLayer,
              size: contents.tars[0].length,
              digest: contents.diffIds[0],
            },
          },
        }),
        { path: "oci-layout", content: new TextEncoder().encode(`{"imageLayoutVersion":"1.0.0"}`) },
      ),
    );
    await assertHolds(image, contents);
  });
  it("reads back what writeTarball writes", async () => {
    const image = await textImage("one", "two");
    const source = tarballBytes(await collect(writeTarball([{ image, reference: "a:b" }])));
    const copy = await imageFromTarball(source, { tag: "a:b" });
    await validateImage(copy);
    assertEquals(await copy.configName(), await image.configName());
    const digests = async (image: Image) => await Promise.all((await image.layers()).map((layer) => layer.digest()));
    assertEquals(await digests(copy), await digests(image));
  });
  it("follows symbolic and hard links", async () => {
    const contents = await contentsOf("one", "two", "three");
    const [one, two, three] = contents.tars;
    const image = await imageFromTarball(
      await saved(
        { path: "shared/layer.tar", content: one },
        { path: "a/layer.tar", type: "symlink", linkname: "../shared/layer.tar" },
        { path: "data/two.tar", content: two },
        { path: "b/layer.tar", type: "link", linkname: "data/two.tar" },
        { path: "c/real.tar", content: three },
        // As some writers have it: from where the link stands.
        { path: "c/hard.tar", type: "link", linkname: "real.tar" },
        { path: "c/layer.tar", type: "symlink", linkname: "/c/hard.tar" },
        { path: "config.json", type: "symlink", linkname: "./config" },
        { path: "config", content: contents.config },
        manifestJson({ Config: "config.json", Layers: ["a/layer.tar", "b/layer.tar", "c/layer.tar"] }),
      ),
    );
    await assertHolds(image, contents);
  });
  it("reads names with ./ in front, and names too long for the header", async () => {
    const contents = await contentsOf("one");
    const long = `${"directory/".repeat(30)}layer.tar`;
    const entries = [
      { path: `./${long}`, content: contents.tars[0] },
      { path: "./config.json", content: contents.config },
      { ...manifestJson({ Config: "config.json", Layers: [long] }), path: "./manifest.json" },
    ];
    for (const format of ["pax", "gnu"] as const) {
      const bytes = await collect(writeTar(entries, { format }));
      await assertHolds(await imageFromTarball(tarballBytes(bytes)), contents);
    }
  });
  it("jumps over large content instead of reading it", async () => {
    const contents = await contentsOf("x".repeat(3_000_000), "y".repeat(2_000_000));
    const bytes = await dockerSave(contents);
    let read = 0;
    const counting: TarballSource = {
      name: "counted",
      open: () =>
        Promise.resolve({
          size: bytes.length,
          read: ({ offset, length = Infinity }) => {
            const stream = inChunks(bytes.subarray(offset, offset + length));
            return Promise.resolve(
              stream.pipeThrough(
                new TransformStream({
                  transform(chunk, controller) {
                    read += chunk.length;
                    controller.enqueue(chunk);
                  },
                }),
              ),
            );
          },
        }),
    };
    const image = await imageFromTarball(counting);
    await image.layers();
    assertEquals(read < 100_000, true, `${read} bytes were read`);
    await assertHolds(image, contents);
  });
  it("reads an image without layers", async () => {
    const contents = await contentsOf();
    const image = await imageFromTarball(
      await saved(
        { path: "c.json", content: contents.config },
        manifestJson({ Config: "c.json", Layers: null }),
      ),
    );
    assertEquals(await image.layers(), []);
    assertEquals((await image.manifest()).layers, []);
  });
  it("opens layers side by side", async () => {
    const contents = await contentsOf("a".repeat(50_000), "b".repeat(50_000));
    await inFolder(async (folder) => {
      const path = join(folder, "image.tar");
      writeFileSync(path, await dockerSave(contents));
      const layers = await (await imageFromTarball(tarballFile(path))).layers();
      const read = await Promise.all(layers.map(async (layer) => await collect(await layer.uncompressed())));
      assertEquals(read, [...contents.tars]);
    });
  });
  it("gives foreign layers the descriptors that the tarball has for them", async () => {
    const contents = await contentsOf("own", "foreign", "absent");
    const compressed = new Uint8Array(gzipSync(contents.tars[1]));
    const foreign = async (bytes: Bytes) => ({
      mediaType: MediaType.DockerForeignLayer,
      digest: await digestBytes(bytes),
      size: bytes.length,
      urls: ["https://example.com/layer"],
    });
    const sources = [await foreign(compressed), await foreign(new Uint8Array(gzipSync(contents.tars[2])))];
    const image = await imageFromTarball(
      await saved(
        { path: "0.tar", content: contents.tars[0] },
        { path: "1.tar.gz", content: compressed },
        { path: "c.json", content: contents.config },
        manifestJson({
          Config: "c.json",
          Layers: ["0.tar", "1.tar.gz", "2.tar.gz"],
          LayerSources: { [contents.diffIds[1]]: sources[0], [contents.diffIds[2]]: sources[1] },
        }),
      ),
    );
    const layers = await image.layers();
    assertEquals((await image.manifest()).layers.slice(1), sources);
    assertEquals(await collect(await layers[1].compressed()), compressed);
    const error = await assertRejects(() => layers[2].compressed(), TarballError);
    assertStringIncludes(error.message, "2.tar.gz");
  });
});

describe("imageFromTarball, choosing", () => {
  async function several(): Promise<TarballSource> {
    const contents = await contentsOf("one");
    const image = (RepoTags: string[] | null) => ({ Config: "c.json", RepoTags, Layers: ["l.tar"] });
    return await saved(
      { path: "l.tar", content: contents.tars[0] },
      { path: "c.json", content: contents.config },
      manifestJson(
        image(["ubuntu:latest"]),
        image(["example.com/a:v1", "localhost:5000/b:v2"]),
        image(null),
        image(["NOT A TAG"]),
      ),
    );
  }
  it("needs a tag when there are several images, and lists those that there are", async () => {
    const source = await several();
    const error = await assertRejects(() => imageFromTarball(source), TarballError);
    const tags = "ubuntu:latest, example.com/a:v1, localhost:5000/b:v2, one without a tag, NOT A TAG";
    assertStringIncludes(error.message, `test.tar holds 4 images: it has ${tags}`);
    assertStringIncludes(error.hint!, "tag");
    const absent = await assertRejects(() => imageFromTarball(source, { tag: "example.com/a:v2" }), TarballError);
    assertStringIncludes(absent.message, `holds no image example.com/a:v2: it has ${tags}`);
  });
  it("takes any form of a tag that means the same", async () => {
    const source = await several();
    for (
      const tag of ["ubuntu", "ubuntu:latest", "docker.io/library/ubuntu", "index.docker.io/library/ubuntu:latest"]
    ) {
      await imageFromTarball(source, { tag });
    }
    await imageFromTarball(source, { tag: "localhost:5000/b:v2" });
    await assertRejects(() => imageFromTarball(source, { tag: "not:a:tag" }), GcraneError);
  });
  it("gives all images, and shares their layers", async () => {
    const images = await tarballImages(await several());
    assertEquals(images.map(({ repoTags }) => repoTags), [
      ["ubuntu:latest"],
      ["example.com/a:v1", "localhost:5000/b:v2"],
      [],
      ["NOT A TAG"],
    ]);
    const [first, second] = await Promise.all(images.map(({ image }) => image.layers()));
    assertStrictEquals(first[0], second[0]);
  });
  it("gives the manifest without looking at the images", async () => {
    const manifest = await loadManifest(await saved(manifestJson({ Config: "nowhere", Layers: ["no"], RepoTags: [] })));
    assertEquals(manifest, [{ config: "nowhere", layers: ["no"], repoTags: [], layerSources: new Map() }]);
  });
});

describe("tarballFile", () => {
  it("says that there is no file, or another thing", async () => {
    await inFolder(async (folder) => {
      const missing = join(folder, "missing.tar");
      const error = await assertRejects(() => imageFromTarball(tarballFile(missing)), FileError);
      assertEquals(error.errno, "ENOENT");
      assertStringIncludes(error.message, missing);
      mkdirSync(join(folder, "directory"));
      const directory = tarballFile(join(folder, "directory"));
      const other = await assertRejects(() => imageFromTarball(directory), TarballError, "but a directory");
      assertStringIncludes(other.hint!, "layout");
    });
  });
  it("notices that the file was changed after it was opened", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "image.tar");
      const contents = await contentsOf("one".repeat(1_000_000));
      const bytes = await dockerSave(contents);
      for (
        const change of [
          () => appendFileSync(path, "x"),
          () => truncateSync(path, 2000),
          () => {
            rmSync(path);
            writeFileSync(path, bytes);
          },
        ]
      ) {
        writeFileSync(path, bytes);
        const [layer] = await (await imageFromTarball(tarballFile(path))).layers();
        await collect(await layer.uncompressed());
        change();
        await assertRejects(() => layer.uncompressed(), TarballError, "was changed while it was being read");
      }
    });
  });
  it("ends when it is aborted", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "image.tar");
      writeFileSync(path, await dockerSave(await contentsOf("one")));
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      assertEquals(await assertRejects(() => imageFromTarball(tarballFile(path), { signal })), reason);
      const [layer] = await (await imageFromTarball(tarballFile(path))).layers();
      const error = await assertRejects(async () => await collect(await layer.uncompressed({ signal })));
      assertEquals(error, reason);
    });
  });
});

it("a layer of a tarball has one digest for all who ask, computed once", async () => {
  const layer = await testLayer((await contentsOf("one")).tars[0]);
  const bytes = await collect(writeTarball([{ image: imageOf([layer]) }]));
  let reads = 0;
  const source = tarballStream(() => (reads++, Promise.resolve(inChunks(bytes))));
  const [copy] = await (await imageFromTarball(source)).layers();
  const before = reads;
  const found: Hash[] = await Promise.all([
    copy.digest(),
    copy.digest(),
    copy.descriptor().then(({ digest }) => digest),
  ]);
  assertEquals(found, Array(3).fill(await layer.digest()));
  assertEquals(reads, before + 1);
});
