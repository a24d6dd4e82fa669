import { describe, it } from "node:test";
import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { ValidationError } from "../../src/errors.ts";
import {
  type Image,
  imageFromUncompressed,
  layerFromUncompressed,
  randomImage,
  validateImage,
} from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type History, MediaType } from "../../src/spec/mod.ts";
import { readTar } from "../../src/tar/mod.ts";
import {
  imageFromTarball,
  tarballBytes,
  type TarballEntry,
  tarballImages,
  writeTarball,
  writeTarballFile,
} from "../../src/tarball/mod.ts";
import { collect, inChunks } from "../make/streams.ts";
import { imageOf, streamingLayer, tarOf, testLayer } from "../make/images.ts";
import { inFolder, leavingNothing } from "../make/folders.ts";
import { describePeer, podman, skopeo } from "../peers/mod.ts";

const legacy = (...entries: TarballEntry[]) => collect(writeTarball(entries, { format: "legacy" }));

async function filesOf(tarball: Bytes): Promise<Map<string, Bytes>> {
  const files = new Map<string, Bytes>();
  for await (const entry of readTar(inChunks(tarball))) files.set(entry.path, await entry.bytes());
  return files;
}

const parsed = (bytes: Bytes | undefined) => JSON.parse(new TextDecoder().decode(bytes));

/** Creates an image of texts, each in a layer of its own, with a history that has further steps. */
async function sample(texts: readonly string[], options: { gzip?: boolean; history?: History[] } = {}): Promise<Image> {
  const { gzip = true } = options;
  const tars = await Promise.all(texts.map((text, index) => tarOf(`${index}.txt`, text)));
  const history = options.history ?? [
    ...texts.map((text): History => ({ created: "2024-01-02T03:04:05Z", created_by: `ADD ${text}`, author: "me" })),
    { created_by: "CMD sh", empty_layer: true },
  ];
  const config = jsonBytes({
    architecture: "arm64",
    os: "linux",
    created: "2024-05-06T07:08:09Z",
    config: { Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: await Promise.all(tars.map((tar) => digestBytes(tar))) },
    history,
  });
  const mediaType = gzip ? MediaType.DockerLayer : MediaType.DockerUncompressedLayer;
  const layers = await Promise.all(
    tars.map((tar) => testLayer(tar, { compression: gzip ? "gzip" : "none", mediaType })),
  );
  return imageFromUncompressed({
    rawConfigFile: () => Promise.resolve(config),
    layers: () => Promise.resolve(layers),
    mediaType: MediaType.DockerManifestSchema2,
  });
}

describe("a legacy tarball", () => {
  it("has a folder for each layer, which names the one below it", async () => {
    const image = await sample(["one", "two"]);
    const files = await filesOf(await legacy({ image, reference: "example.com:5000/a:v1" }));
    const [{ Config, RepoTags, Layers }] = parsed(files.get("manifest.json"));
    const [bottom, top] = Layers.map((path: string) => path.slice(0, 64));
    assertEquals(Config, `${(await image.configName()).slice(7)}.json`);
    assertEquals(RepoTags, ["example.com:5000/a:v1"]);
    assertEquals([...files.keys()], [
      Config,
      ...[bottom, top].flatMap((id) => [`${id}/VERSION`, `${id}/json`, `${id}/layer.tar`]),
      "manifest.json",
      "repositories",
    ]);
    assertEquals(files.get(Config), await image.rawConfigFile());
    assertEquals(new TextDecoder().decode(files.get(`${bottom}/VERSION`)), "1.0");
    assertEquals(files.get(`${top}/layer.tar`), await tarOf("1.txt", "two"));
    assertEquals(parsed(files.get(`${bottom}/json`)), {
      id: bottom,
      created: "2024-01-02T03:04:05Z",
      author: "me",
      container_config: { Cmd: ["ADD one"] },
    });
    assertEquals(parsed(files.get(`${top}/json`)), {
      id: top,
      parent: bottom,
      created: "2024-05-06T07:08:09Z",
      author: "me",
      container_config: { Cmd: ["ADD two"] },
      config: { Cmd: ["sh"] },
      architecture: "arm64",
      os: "linux",
    });
    assertEquals(parsed(files.get("repositories")), { "example.com:5000/a": { v1: top } });
  });

  it("is the same however the layers are compressed, and for each layer of its own another id", async () => {
    const entry = async (options: { gzip: boolean }) => ({
      image: await sample(["one", "one"], options),
      reference: "a",
    });
    const bytes = await legacy(await entry({ gzip: true }));
    assertEquals(await legacy(await entry({ gzip: false })), bytes);
    const [{ Layers }] = parsed((await filesOf(bytes)).get("manifest.json"));
    assertNotEquals(Layers[0], Layers[1]);
  });

  it("holds several images, what they share once, and one with several names", async () => {
    const [first, second] = [await sample(["shared", "own"]), await sample(["shared", "other", "more"])];
    const bytes = await legacy(
      { image: first, reference: "a:1" },
      { image: second, reference: "b:1" },
      { image: first, reference: "a:2" },
      { image: second },
    );
    const files = await filesOf(bytes);
    const manifests = parsed(files.get("manifest.json"));
    assertEquals(manifests.map(({ RepoTags }: { RepoTags: string[] }) => RepoTags), [["a:1", "a:2"], ["b:1"]]);
    assertEquals(manifests[0].Layers[0], manifests[1].Layers[0]);
    assertEquals([...files.keys()].filter((path) => path.endsWith("layer.tar")).length, 4);
    const top = ({ Layers }: { Layers: string[] }) => Layers.at(-1)!.slice(0, 64);
    assertEquals(parsed(files.get("repositories")), {
      a: { "1": top(manifests[0]), "2": top(manifests[0]) },
      b: { "1": top(manifests[1]) },
    });
    const images = await tarballImages(tarballBytes(bytes));
    assertEquals(images.map(({ repoTags }) => repoTags), [["a:1", "a:2"], ["b:1"]]);
    for (const { image } of images) await validateImage(image);
  });

  it("is read back as the images that it was made of", async () => {
    for (const compression of ["gzip", "zstd", "none"] as const) {
      const image = randomImage({ layers: 3, size: 10_000, compression });
      const copy = await imageFromTarball(tarballBytes(await legacy({ image, reference: "a:b" })), { tag: "a:b" });
      await validateImage(copy);
      assertEquals(await copy.rawConfigFile(), await image.rawConfigFile());
    }
  });

  it("takes an image without layers, and a history that is not there", async () => {
    const none = await filesOf(await legacy({ image: imageOf([]), reference: "a:b" }));
    assertEquals(parsed(none.get("repositories")), {});
    const bare = await filesOf(await legacy({ image: await sample(["one"], { history: [] }) }));
    const [{ Layers }] = parsed(bare.get("manifest.json"));
    const json = parsed(bare.get(Layers[0].replace("layer.tar", "json")));
    assertEquals(json.container_config, { Cmd: [""] });
  });

  it("reads each layer once, keeps it in a temporary file, and leaves none", () =>
    inFolder(async (folder) => {
      const path = join(folder, "legacy.tar");
      let opened = 0;
      await leavingNothing(async () => {
        const lazy = layerFromUncompressed({
          uncompressed: async () => (opened++, inChunks(await tarOf("a", "lazy"))),
          diffId: async () => await digestBytes(await tarOf("a", "lazy")),
        });
        const image = imageOf([streamingLayer(await tarOf("b", "streamed")), lazy]);
        const [other] = [imageOf([lazy])];
        await writeTarballFile(path, [{ image, reference: "a:1" }, { image: other, reference: "b:1" }], {
          format: "legacy",
        });
      });
      assertEquals(opened, 1);
      const bytes = new Uint8Array(readFileSync(path));
      for (const { image } of await tarballImages(tarballBytes(bytes))) await validateImage(image);
    }));

  it("refuses an image whose layers are not those of its config or its history", () =>
    leavingNothing(async () => {
      const of = (image: Image, fields: Record<string, unknown>) =>
        imageFromUncompressed({
          rawConfigFile: async () => jsonBytes({ ...await image.configFile(), ...fields }),
          layers: () => image.layers(),
        });
      const image = await sample(["one", "two"]);
      const { rootfs, history } = await image.configFile();
      const [first, second] = rootfs.diff_ids;
      for (
        const [fields, message] of [
          [{ rootfs: { ...rootfs, diff_ids: [first] } }, "the image has 2 layers, but its config has 1 diff ids"],
          [{ rootfs: { ...rootfs, diff_ids: [first, first] } }, `layer 1 has the diff id ${second}, but the config of`],
          [{ history: history!.slice(1) }, "the image has 2 layers, but 1 in its history"],
        ] as const
      ) {
        await assertRejects(() => legacy({ image: of(image, fields) }), ValidationError, message);
      }
    }));
});

describePeer("legacy tarballs and their readers", ["skopeo", "podman"], () => {
  it(
    "are read by skopeo and loaded by podman, several images at once",
    { timeout: 60_000 },
    () =>
      inFolder(async (folder) => {
        const path = join(folder, "legacy.tar");
        const images = { "example.com/a:v1": await sample(["one", "two"]), "example.com/b:v2": await sample(["one"]) };
        const entries = Object.entries(images).map(([reference, image]) => ({ reference, image }));
        await writeTarballFile(path, entries, { format: "legacy" });
        const storage = join(folder, "storage");
        await podman(storage, "load", "--input", path);
        for (const [name, image] of Object.entries(images)) {
          const inspected = JSON.parse(await skopeo("inspect", "--config", `docker-archive:${path}:${name}`));
          assertEquals(inspected, await image.configFile());
          const [said] = JSON.parse(await podman(storage, "image", "inspect", name));
          assertEquals(`sha256:${said.Id}`, await image.configName());
          assertEquals(said.RootFS.Layers, (await image.configFile()).rootfs.diff_ids);
        }
      }),
  );
});
