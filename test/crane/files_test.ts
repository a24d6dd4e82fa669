import { assertEquals, assertRejects } from "@std/assert";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import {
  annotateBase,
  append,
  extract,
  layerFromPath,
  pull,
  push,
  saveLayout,
  saveTarball,
  validate,
  validateTarball,
} from "../../src/crane/mod.ts";
import { load } from "../../src/source/mod.ts";
import {
  FileError,
  HttpError,
  LayoutError,
  StreamLayerError,
  TarballError,
  TarError,
  ValidationError,
} from "../../src/errors.ts";
import { emptyImage, type Image, randomImage, randomIndex } from "../../src/image/mod.ts";
import { createLayout, openLayout } from "../../src/layout/mod.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { readTar, writeTar } from "../../src/tar/mod.ts";
import { writeTarballFile } from "../../src/tarball/mod.ts";
import { digestOf } from "../fakes/mod.ts";
import { inFolder, memoryRegistry } from "../make/memory_registry.ts";

const app = "registry.example.com/team/app:v1";
const arm64 = { os: "linux", architecture: "arm64" };
const index = randomIndex({ seed: 1, platforms: [{ os: "linux", architecture: "amd64" }, arm64] });
const [first, second] = [randomImage({ seed: 2 }), randomImage({ seed: 3 })];

async function tarOf(files: Record<string, string>): Promise<Bytes> {
  const entries = Object.entries(files).map(([path, text]) => ({ path, content: new TextEncoder().encode(text) }));
  return new Uint8Array(await new Response(writeTar(entries)).arrayBuffer());
}

async function pathsIn(tar: ByteStream): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of readTar(tar)) paths.push(entry.path);
  return paths;
}

async function layerDigests(image: Image): Promise<string[]> {
  return await Promise.all((await image.layers()).map((layer) => layer.digest()));
}

describe("pull and extract", () => {
  it("pull reads no layer, extract reads them", async () => {
    const { fetch, requests } = memoryRegistry();
    await push(first, app, { fetch });
    requests.length = 0;
    const image = await pull(app, { fetch });
    assertEquals(await image.digest(), await first.digest());
    assertEquals(requests.filter((request) => request.includes("/blobs/")), []);
    assertEquals((await pathsIn(extract(image))).length, 2);
  });

  it("pull takes the image for a platform of an index", async () => {
    const { fetch } = memoryRegistry();
    await push(index, app, { fetch });
    assertEquals((await (await pull(app, { fetch })).configFile()).architecture, "amd64");
    assertEquals((await (await pull(app, { fetch, platform: arm64 })).configFile()).architecture, "arm64");
  });

  it("pull with a cache reads each layer once", () =>
    inFolder(async (path) => {
      const { fetch, requests } = memoryRegistry();
      await push(first, app, { fetch });
      for (const round of [1, 2]) {
        requests.length = 0;
        await pathsIn(extract(await pull(app, { fetch, cachePath: path("cache") })));
        assertEquals(requests.filter((request) => request.includes("/blobs/")).length, round === 1 ? 2 : 0);
      }
    }));
});

describe("saving and loading", () => {
  it("a tarball gives back the image", () =>
    inFolder(async (path) => {
      const { fetch } = memoryRegistry();
      const image = randomImage({ seed: 4, compression: "gzip" });
      await push(image, app, { fetch });
      await saveTarball([app], path("app.tar"), { fetch });
      const loaded = await load(path("app.tar"));
      assertEquals(loaded.kind === "image" && await layerDigests(loaded), await layerDigests(image));
      await validateTarball(path("app.tar"));
    }));

  it("a tarball of several gives each by its tag", () =>
    inFolder(async (path) => {
      await writeTarballFile(path("two.tar"), [{ reference: "a:1", image: first }, {
        reference: "b:1",
        image: second,
      }]);
      await assertRejects(() => load(path("two.tar")), TarballError, "2 images");
      const loaded = await load(path("two.tar"), { tag: "b:1" });
      assertEquals(loaded.kind === "image" && await loaded.configName(), await second.configName());
      await validateTarball(path("two.tar"), { tag: "a:1" });
    }));

  it("a layout gives back the index, and one image of it for a platform", () =>
    inFolder(async (path) => {
      const { fetch } = memoryRegistry();
      await push(index, app, { fetch });
      await saveLayout([app], path("layout"), { fetch });
      assertEquals(await (await load(path("layout"))).digest(), await index.digest());
      const [, child] = await index.children();
      assertEquals(await (await load(path("layout"), { platform: arm64 })).digest(), child.descriptor.digest);
    }));

  it("a layout of several is taken as the index that it is, if one says so", () =>
    inFolder(async (path) => {
      const layout = await createLayout(path("layout"));
      await assertRejects(() => load(path("layout")), LayoutError, "holds 0 images");
      await layout.appendImage(first);
      await layout.appendImage(second);
      const error = await assertRejects(() => load(path("layout")), LayoutError, "holds 2 images");
      assertEquals(error.hint, "push them as one index with --index");
      assertEquals((await load(path("layout"), { index: true })).kind, "index");
    }));

  it("a layout is made only when all that goes into it is there", () =>
    inFolder(async (path) => {
      const { fetch } = memoryRegistry();
      await push(first, app, { fetch });
      const missing = "registry.example.com/team/app:v2";
      await assertRejects(() => saveLayout([app, missing], path("layout"), { fetch }), HttpError, "v2");
      assertEquals(existsSync(path("layout")), false);
    }));

  it("a damaged layout is not written over", () =>
    inFolder(async (path) => {
      const { fetch } = memoryRegistry();
      await push(first, app, { fetch });
      await createLayout(path("layout"));
      writeFileSync(path("layout/index.json"), "{");
      await assertRejects(() => saveLayout([app], path("layout"), { fetch }), LayoutError, "index.json");
      assertEquals(readFileSync(path("layout/index.json"), "utf8"), "{");
    }));

  it("saying nothing of a name, each image is listed once; with annotateRef each name is", () =>
    inFolder(async (path) => {
      const { fetch } = memoryRegistry();
      const names = ["registry.example.com/a:v1", "registry.example.com/b:v1"];
      for (const name of names) await push(first, name, { fetch });
      await saveLayout(names, path("plain"), { fetch });
      await saveLayout(names, path("named"), { fetch, annotateRef: true });
      const listed = async (name: string) => (await (await openLayout(path(name))).index().manifest()).manifests.length;
      assertEquals([await listed("plain"), await listed("named")], [1, 2]);
    }));

  it("what is not there is a file error", () =>
    inFolder(async (path) => {
      const error = await assertRejects(
        () => load(path("none")),
        FileError,
        `can't read ${path("none")}: no such file`,
      );
      assertEquals(error.errno, "ENOENT");
    }));
});

describe("append", () => {
  it("takes tarballs, compressed or not, directories and a stream", () =>
    inFolder(async (path) => {
      mkdirSync(path("tree/sub"), { recursive: true });
      writeFileSync(path("tree/sub/file"), "x");
      writeFileSync(path("a.tar"), await tarOf({ a: "a" }));
      writeFileSync(path("b.tar.gz"), gzipSync(await tarOf({ b: "b" })));
      const stdin = () => new Blob([awaited]).stream() as ByteStream;
      const awaited = await tarOf({ c: "c" });
      const image = await append(undefined, [path("a.tar"), path("b.tar.gz"), path("tree"), "-"], { stdin });
      const { fetch } = memoryRegistry();
      await push(image, app, { fetch });
      await validate(app, { fetch });
      const paths = await pathsIn(extract(await pull(app, { fetch })));
      assertEquals(paths.toSorted(), ["a", "b", "c", "sub/", "sub/file"]);
    }));

  it("without a base makes Docker's kind of image, or OCI's, for a platform", async () => {
    const docker = await append(undefined, []);
    assertEquals(await docker.mediaType(), MediaType.DockerManifestSchema2);
    const oci = await append(undefined, [], { oci: true, platform: arm64 });
    assertEquals([await oci.mediaType(), (await oci.configFile()).architecture], [MediaType.OciManifest, "arm64"]);
  });

  it("a layer from a stream has no digest before it was read", () =>
    inFolder(async () => {
      const awaited = await tarOf({ c: "c" });
      const image = await append(undefined, ["-"], { stdin: () => new Blob([awaited]).stream() as ByteStream });
      await assertRejects(() => image.digest(), StreamLayerError);
    }));

  it("refuses what is no tarball, and says what is not there", () =>
    inFolder(async (path) => {
      writeFileSync(path("notes.txt"), "not a tarball\n".repeat(100));
      await assertRejects(() => layerFromPath(path("notes.txt")), TarError, "notes.txt is not a tarball");
      await assertRejects(() => layerFromPath(path("none.tar")), FileError, "no such file or directory");
      writeFileSync(path("empty.tar"), new Uint8Array(1024));
      assertEquals(await (await layerFromPath(path("empty.tar"))).diffId(), digestOf(new Uint8Array(1024)));
    }));

  it("annotateBase names the base by its digest, and by its name if it has one", async () => {
    const base = { digest: await first.digest() };
    const key = "org.opencontainers.image.base";
    assertEquals((await annotateBase(emptyImage(), base).manifest()).annotations, { [`${key}.digest`]: base.digest });
    assertEquals((await annotateBase(emptyImage(), { ...base, name: app }).manifest()).annotations, {
      [`${key}.digest`]: base.digest,
      [`${key}.name`]: app,
    });
  });
});

describe("validate", () => {
  it("passes what is right, finds what is not, and looks at layers unless told not to", async () => {
    const { fetch } = memoryRegistry();
    await push(index, app, { fetch });
    await validate(app, { fetch });
    const [, child] = await index.children();
    const [layer] = child.view.kind === "image" ? await child.view.layers() : [];
    const digest = await layer.digest();
    const damaging: typeof globalThis.fetch = async (input, init) => {
      const answer = await fetch(input, init);
      if (!String(input).endsWith(digest) || init?.method === "HEAD") return answer;
      const bytes = new Uint8Array(await answer.arrayBuffer());
      bytes[600] ^= 1;
      return new Response(bytes, { headers: answer.headers });
    };
    await assertRejects(() => validate(app, { fetch: damaging }), ValidationError, digest);
    await validate(app, { fetch: damaging, fast: true });
    await validate(app, { fetch: damaging, platform: { os: "linux", architecture: "amd64" } });
  });
});
