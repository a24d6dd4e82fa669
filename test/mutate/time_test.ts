import { describe, it } from "node:test";
import { assert, assertEquals, assertNotEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { TarError } from "../../src/errors.ts";
import {
  emptyImage,
  type Image,
  type Layer,
  layerFromBytes,
  layerFromUncompressed,
  validateImage,
} from "../../src/image/mod.ts";
import { appendLayers, canonical, changeImage, editImage, time } from "../../src/mutate/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { type TarNewEntry, writeTar } from "../../src/tar/mod.ts";
import type { ImageParts, Json } from "../make/memory_source.ts";
import { list } from "../make/archives.ts";
import { pieces, utf8 } from "../make/bytes.ts";
import { collect, track } from "../make/streams.ts";
import { asDocker, baseImage, DOCKER, imageIn, sentConfig, sentManifest, unread } from "./edit_bases.ts";
import { MemorySource } from "../make/memory_source.ts";
import { layerOf, listOf, tarOf } from "../make/entry_layers.ts";

const DATE = new Date(1234567890_999);
const SECONDS = 1234567890;
const CREATED = "2009-02-13T23:31:30Z";

/** Entries of every kind, with times of every kind. */
const ENTRIES: TarNewEntry[] = [
  { path: "d/", type: "directory", mtime: 1, mode: 0o1777 },
  { path: "d/file", content: utf8("content"), mtime: 2.5, atime: 3.25, ctime: 4, uid: 7, uname: "me" },
  { path: "d/xattr", content: utf8("x"), pax: [["SCHILY.xattr.user.a", Uint8Array.of(0, 255)]], mtime: -5 },
  { path: "d/windows", pax: [["LIBARCHIVE.creationtime", "11644473600.1234567"]], mtime: SECONDS },
  { path: "d/link", type: "link", linkname: "d/file", mtime: 6 },
  { path: "d/symlink", type: "symlink", linkname: "file", mtime: 2 ** 40 },
  { path: "d/null", type: "characterDevice", devMajor: 1, devMinor: 3, mtime: 7 },
  { path: "d/.wh.gone", mtime: 8 },
  { path: `${"long/".repeat(60)}name`, content: utf8("long"), mtime: 9 },
];

const TAR = await tarOf(ENTRIES);

/** All of an archive except its times, and its times. */
async function contentOf(layer: Layer): Promise<{ entries: Json[]; times: (number | string | undefined)[][] }> {
  const times: (number | string | undefined)[][] = [];
  const entries = await listOf(await layer.uncompressed(), async (entry): Promise<Json> => {
    const { path, type, mode, uid, gid, uname, gname, linkname, devMajor, devMinor, size } = entry;
    const creation = entry.pax.get("LIBARCHIVE.creationtime");
    times.push([entry.mtime, entry.atime, entry.ctime, creation && new TextDecoder().decode(creation)]);
    const xattr = entry.pax.get("SCHILY.xattr.user.a");
    const content = type === "file" ? await entry.bytes() : undefined;
    return { path, type, mode, uid, gid, uname, gname, linkname, devMajor, devMinor, size, xattr, content };
  });
  return { entries, times };
}

async function imageOfTar(parts: Partial<ImageParts> = {}, tar = TAR): Promise<Image> {
  return (await baseImage({ layers: [tar], ...parts })).base;
}

describe("time", () => {
  it("sets every time that an archive tells, and changes nothing else in it", async () => {
    for (const format of ["pax", "gnu"] as const) {
      const plain = ENTRIES.map((entry) => ({ ...entry, pax: undefined, mtime: Math.floor(entry.mtime!) }));
      const tar = format === "pax" ? TAR : await tarOf(plain, { format });
      const base = await imageOfTar({}, tar);
      const [before] = await base.layers();
      const [after] = await time(base, DATE).layers();
      const [was, is] = [await contentOf(before), await contentOf(after)];
      assertEquals(is.entries, was.entries);
      assertEquals(
        is.times,
        was.times.map(([_, atime, ctime, creation]) => [
          SECONDS,
          atime === undefined ? undefined : SECONDS,
          ctime === undefined ? undefined : SECONDS,
          creation === undefined ? undefined : String(SECONDS),
        ]),
      );
    }
  });

  it("sets the times of the image and of its history, and keeps what else the config says", async () => {
    const config = {
      created: "2024-01-01T00:00:00Z",
      author: "me",
      variant: "v8",
      docker_version: "20",
      config: { Hostname: "host", Labels: { a: "1" } },
      ownField: 1,
      history: [
        { created: "2020-01-01T00:00:00.5Z", created_by: "one", author: "me", comment: "c" },
        { created_by: "two", empty_layer: true },
      ],
    };
    const base = await imageOfTar({ config: (json) => Object.assign(json, config) });
    const { rootfs, history, ...after } = await sentConfig(time(base, DATE));
    const { rootfs: was, history: _, ...before } = await base.configFile();
    assertEquals(after as Json, { ...before, created: CREATED });
    assertEquals(history as Json, config.history.map((step) => ({ ...step, created: CREATED })));
    assertEquals(rootfs.diff_ids.length, 1);
    assertNotEquals(rootfs, was);
    const bare = await sentConfig(time(await imageOfTar(), DATE));
    assertEquals([bare.created, bare.history], [CREATED, undefined]);
  });

  it("keeps media types, annotations, subject and how layers are compressed", async () => {
    const subject = { mediaType: DOCKER, digest: `sha256:${"a".repeat(64)}`, size: 7 };
    for (const compression of ["none", "gzip", "zstd"] as const) {
      for (const docker of [false, true]) {
        const base = await imageOfTar({
          compression,
          manifest: (json) => {
            if (docker && compression === "gzip") asDocker(json);
            Object.assign(json, { subject, annotations: { a: "b" }, ownField: 1 });
            json.layers[0].annotations = { of: "the layer" };
          },
        });
        const image = time(base, DATE);
        const [before, after] = [await base.manifest() as Json, await sentManifest(image) as Json];
        assertEquals({ ...after, config: 0, layers: 0 }, { ...before, config: 0, layers: 0 });
        assertEquals(after.config.mediaType, before.config.mediaType);
        assertEquals(after.layers[0].mediaType, before.layers[0].mediaType);
        assertEquals(after.layers[0].annotations, { of: "the layer" });
        assertNotEquals(after.layers[0].digest, before.layers[0].digest);
        await validateImage(image);
        await validateImage(base);
      }
    }
  });

  it("is the same image the second time, and for every image that differs in times alone", async () => {
    const base = await imageOfTar();
    const once = time(base, DATE);
    assertEquals(await time(once, new Date(SECONDS * 1000)).digest(), await once.digest());
    const later = ENTRIES.map((entry) => ({ ...entry, mtime: Math.round(entry.mtime!) + 1 }));
    const twin = await imageOfTar({}, await tarOf(later));
    assertEquals(await time(twin, DATE).configName(), await once.configName());
    assertNotEquals(await time(base, new Date(0)).digest(), await once.digest());
  });

  it("drops annotations and URLs that are about the bytes that were", async () => {
    const base = await imageOfTar({
      manifest: (json) => {
        json.layers[0].urls = ["https://example.com/layer"];
        json.layers[0].annotations = {
          "containerd.io/snapshot/stargz/toc.digest": "x",
          "io.containers.estargz.uncompressed-size": "1",
          "io.github.containers.zstd-chunked.manifest-checksum": "y",
        };
      },
    });
    const [layer] = (await sentManifest(time(base, DATE))).layers;
    assertEquals(Object.keys(layer).sort(), ["digest", "mediaType", "size"]);
  });

  it("leaves layers that may not be pushed, and blobs that are no layers", async () => {
    for (const mediaType of [MediaType.OciRestrictedLayerGzip, MediaType.DockerForeignLayer, "application/x-blob"]) {
      const base = await imageOfTar({
        manifest: (json) => Object.assign(json.layers[0], { mediaType, urls: ["https://example.com/layer"] }),
      });
      const image = time(base, DATE);
      assertStrictEquals((await image.layers())[0], (await base.layers())[0]);
      assertEquals((await sentManifest(image)).layers, (await base.manifest()).layers);
      assertEquals((await sentConfig(image)).created, CREATED);
    }
  });

  it("takes times before 1970 and after 2106", async () => {
    for (const date of [new Date(-1000), new Date(2 ** 33 * 1000), new Date(2 ** 42)]) {
      const image = time(await imageOfTar(), date);
      const { times } = await contentOf((await image.layers())[0]);
      assertEquals(new Set(times.map(([mtime]) => mtime)), new Set([Math.floor(date.getTime() / 1000)]));
      await validateImage(image);
    }
    assertThrows(() => time(emptyImage(), new Date(Number.NaN)), TypeError);
  });

  it("sets the times of global records", async () => {
    const tar = await collect(writeTar([
      { type: "global", pax: [["mtime", "77.5"], ["SCHILY.xattr.user.a", "g"], ["LIBARCHIVE.creationtime", "5"]] },
      { path: "a", content: utf8("a"), pax: [["mtime", "77.5"]] },
    ]));
    const [layer] = await time(await imageOfTar({}, tar), DATE).layers();
    const { times } = await contentOf(layer);
    assertEquals(times, [[SECONDS, undefined, undefined, String(SECONDS)]]);
    const [{ entry }] = await list(await layer.uncompressed());
    assertEquals([...entry.globals], [["SCHILY.xattr.user.a", utf8("g")]]);
  });

  it("reads nothing before somebody asks, and then each layer once", async () => {
    time(unread<Image>("image"), DATE);
    canonical(unread<Image>("image"));
    const { source, base } = await baseImage();
    const image = canonical(time(base, DATE));
    assertEquals(await image.digestKnown(), false);
    assertEquals(source.opened, []);
    await image.digest();
    const layers = (await base.manifest()).layers.map(({ digest }) => digest);
    const opens = (digest: string) => source.opened.filter((opened) => opened === digest).length;
    assertEquals(layers.map(opens), [1, 1]);
    assertEquals(await image.digestKnown(), true);
  });

  it("fails where a layer is no tar or not what was promised, and tells the layer when it is cancelled", async () => {
    const noTar = await layerFromBytes(utf8("not a tar".repeat(100)));
    const image = time(appendLayers(emptyImage(), [noTar]), DATE);
    await assertRejects(() => image.digest(), TarError);

    const { layer } = await layerOf(TAR, { spoil: (bytes) => bytes.map((byte, i) => i === 600 ? byte ^ 1 : byte) });
    await assertRejects(() => time(appendLayers(emptyImage(), [layer]), DATE).digest());

    const big = await tarOf([{ path: "big", content: new Uint8Array(500_000) }]);
    const tracked = track(pieces(big, 100_000));
    const open = () => Promise.resolve(tracked.stream);
    const once = editImage(emptyImage(), { layers: () => [layerFromStream(open)] });
    const reader = (await (await time(once, DATE).layers())[0].uncompressed()).getReader();
    await reader.cancel("enough");
    assertEquals([tracked.pulls(), tracked.cancels.length], [0, 0]);

    const second = (await (await time(once, DATE).layers())[0].uncompressed()).getReader();
    await second.read();
    await second.cancel("enough");
    assertEquals(tracked.cancels.length, 1);
  });

  it("lets go of a layer that never answers, when it is aborted or cancelled", async () => {
    const enough = new Error("enough");
    for (const way of ["abort", "cancel"]) {
      const [pulled, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const waits = new ReadableStream<Bytes>({
        pull: () => (pulled.resolve(), new Promise(() => {})),
        cancel: () => gone.resolve(),
      }, { highWaterMark: 0 });
      const image = editImage(emptyImage(), { layers: () => [layerFromStream(() => Promise.resolve(waits))] });
      const stop = new AbortController();
      const [layer] = await time(image, DATE).layers();
      const reader = (await layer.uncompressed({ signal: stop.signal })).getReader();
      const read = reader.read();
      await pulled.promise;
      if (way === "abort") {
        stop.abort(enough);
        await assertRejects(() => read, Error, "enough");
      } else {
        await Promise.all([reader.cancel(enough), read]);
      }
      await gone.promise;
    }
  });
});

/** A layer that knows its digest without being read. */
function layerFromStream(open: () => Promise<ReadableStream<Bytes>>): Layer {
  const digest = `sha256:${"c".repeat(64)}` as const;
  const layer = layerFromUncompressed({
    uncompressed: open,
    diffId: () => Promise.resolve(digest),
    compression: "none",
  });
  const descriptor = { mediaType: MediaType.OciLayer, digest, size: 1 };
  return { ...layer, descriptor: () => Promise.resolve(descriptor), digestKnown: () => true };
}

describe("canonical", () => {
  const config = {
    created: "2024-01-01T00:00:00Z",
    author: "me",
    container: "f".repeat(64),
    container_config: { Hostname: "host" },
    docker_version: "20.10",
    variant: "v8",
    "os.version": "10",
    config: { Hostname: "host", Domainname: "domain", User: "me", Labels: { a: "1" } },
    history: [{ created: "2024-01-01T00:00:00Z", author: "me", created_by: "one", comment: "c" }],
    ownField: 1,
  };

  it("forgets when, where and by whom the image was built, and nothing else", async () => {
    const base = await imageOfTar({ config: (json) => Object.assign(json, config) });
    const { rootfs: _, ...after } = await sentConfig(canonical(base));
    assertEquals(after as Json, {
      architecture: "amd64",
      os: "linux",
      created: "1970-01-01T00:00:00Z",
      variant: "v8",
      "os.version": "10",
      config: { User: "me", Labels: { a: "1" } },
      history: [{ created: "1970-01-01T00:00:00Z", created_by: "one", comment: "c" }],
      ownField: 1,
    });
  });

  it("keeps media types and annotations, and takes another date", async () => {
    const base = await imageOfTar({
      manifest: (json) => {
        asDocker(json);
        json.annotations = { a: "b" };
      },
    });
    const image = canonical(base, { date: DATE });
    const { mediaType, annotations, config, layers } = await sentManifest(image);
    assertEquals([mediaType, annotations], [DOCKER, { a: "b" }]);
    assertEquals([config.mediaType, layers[0].mediaType], [MediaType.DockerConfigJson, MediaType.DockerLayer]);
    assertEquals((await sentConfig(image)).created, CREATED);
    await validateImage(image);
  });

  it("gives the same image for builds that differ in nothing else", async () => {
    const source = new MemorySource();
    const build = async (n: number) =>
      await imageIn(source, {
        layers: [await tarOf(ENTRIES.map((entry) => ({ ...entry, mtime: n, atime: undefined, ctime: undefined })))],
        config: (json) =>
          Object.assign(json, {
            ...config,
            created: new Date(n * 1000).toISOString(),
            author: `author ${n}`,
            container: String(n),
            config: { ...config.config, Hostname: `host ${n}` },
          }),
      });
    const [one, two] = [await build(1), await build(2)];
    assertNotEquals(await one.configName(), await two.configName());
    assertEquals(await canonical(one).digest(), await canonical(two).digest());
    assertEquals(await canonical(canonical(one)).digest(), await canonical(one).digest());
    const other = changeImage(two, { labels: { other: "1" } });
    assertNotEquals(await canonical(other).digest(), await canonical(two).digest());
    assert(await canonical(one).digestKnown() === false);
  });
});
