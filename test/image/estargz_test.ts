import { assert, assertEquals, assertFalse, assertGreater, assertRejects, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { StreamLayerError, TarError } from "../../src/errors.ts";
import {
  type Layer,
  layerFromBytes,
  layerFromDirectory,
  layerFromOpener,
  layerFromUncompressed,
  streamLayer,
  validateLayer,
} from "../../src/image/mod.ts";
import { compress, digestBytes, drain, streamOf } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { readTar, type TarWriteEntry, writeTar } from "../../src/tar/mod.ts";
import { latin1, pieces, utf8 } from "../make/bytes.ts";
import { collect, streamFrom, track } from "../make/streams.ts";
import { peerIt, runPeer, runPeerForBytes } from "../peers/mod.ts";
import { archive, header } from "../make/archives.ts";
import { describeTree, makeTree } from "../make/directory_trees.ts";
import { bigTar } from "../make/memory_source.ts";
import { type ReadEstargz, readEstargz, type TocLine } from "../make/estargz_reader.ts";

const LANDMARK = ".no.prefetch.landmark";
const TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest";
const UNCOMPRESSED_SIZE = "io.containers.estargz.uncompressed-size";

/** Bytes that don't compress well, the same each time. */
function noise(size: number, seed = 1): Bytes {
  return Uint8Array.from({ length: size }, () => (seed = Math.imul(seed, 1103515245) + 12345 | 0) >>> 16);
}

/** One of everything that a layer can hold. */
const ENTRIES: TarWriteEntry[] = [
  { type: "directory", path: "bin/", mode: 0o755, mtime: 1_566_297_043, uid: 1, gid: 2, uname: "daemon", gname: "bin" },
  {
    path: "bin/tool",
    mode: 0o4755,
    mtime: 1_566_297_043.6,
    content: utf8("#!/bin/sh\n"),
    uid: 1000,
    gid: 3_000_000,
  },
  { type: "link", path: "bin/tool-2", linkname: "bin/tool" },
  { type: "symlink", path: "bin/link", linkname: "tool" },
  { path: "etc/empty", content: new Uint8Array(0) },
  {
    path: "etc/größe",
    content: utf8("unicode\n"),
    pax: [["SCHILY.xattr.user.bytes", latin1("\x00\xff\x3d")], ["SCHILY.xattr.security.capability", latin1("\x01")]],
  },
  { type: "characterDevice", path: "dev/null", devMajor: 1, devMinor: 3 },
  { type: "blockDevice", path: "dev/sda", devMajor: 8, devMinor: 0 },
  { type: "fifo", path: "run/fifo" },
  { path: "etc/.wh.gone", content: new Uint8Array(0) },
  { path: "usr/exact", content: noise(2048) },
  { path: "usr/large", content: noise(10_000) },
];
const TAR = await collect(writeTar(ENTRIES));

async function stored(layer: Layer): Promise<Bytes> {
  return await collect(await layer.compressed());
}

async function read(tar: Bytes, options: { chunkSize?: number; reproducible?: boolean } = {}): Promise<ReadEstargz> {
  const { chunkSize, reproducible } = options;
  const layer = await layerFromBytes(tar, { estargz: chunkSize === undefined ? true : { chunkSize }, reproducible });
  return readEstargz(await stored(layer));
}

/** Names and content of the files of an archive. */
async function filesOf(tar: Bytes): Promise<Map<string, Bytes>> {
  const files = new Map<string, Bytes>();
  for await (const entry of readTar(streamOf(tar))) {
    if (entry.type === "file") files.set(entry.path, await entry.bytes());
  }
  return files;
}

describe("an eStargz layer", () => {
  it("is read by the specification: footer, table, chunks", async () => {
    for (const chunkSize of [undefined, 2048, 999, 1]) {
      for (const reproducible of [false, true]) {
        if (chunkSize === 1 && reproducible) continue;
        const { entries, files } = await read(TAR, { chunkSize, reproducible });
        assertEquals([...files], [[LANDMARK, Uint8Array.of(0xf)], ...await filesOf(TAR)]);
        const large = entries.filter(({ name }) => name === "usr/large");
        assertEquals(large.map(({ type }) => type), [
          "reg",
          ...Array(Math.ceil(10_000 / (chunkSize ?? 10_000)) - 1).fill("chunk"),
        ]);
        assertEquals(entries.filter(({ name }) => name === "usr/exact").length, Math.ceil(2048 / (chunkSize ?? 2048)));
      }
    }
  });

  it("has the entries' metadata in its table, and the source's entries in their order", async () => {
    const { entries } = await read(TAR);
    const ofContent = (line: TocLine) => {
      const { offset: _offset, digest: _digest, chunkDigest: _chunkDigest, ...rest } = line;
      return rest;
    };
    const owner = { uid: 0, gid: 0 };
    const modtime = "2019-08-20T10:30:43Z";
    assertEquals(entries.map(ofContent), [
      { name: LANDMARK, type: "reg", size: 1, mode: 0o644, ...owner },
      { name: "bin/", type: "dir", modtime, mode: 0o755, uid: 1, gid: 2, userName: "daemon", groupName: "bin" },
      {
        name: "bin/tool",
        type: "reg",
        size: 10,
        modtime: "2019-08-20T10:30:44Z",
        mode: 0o4755,
        uid: 1000,
        gid: 3_000_000,
      },
      { name: "bin/tool-2", type: "hardlink", linkName: "bin/tool", mode: 0o644, ...owner },
      { name: "bin/link", type: "symlink", linkName: "tool", mode: 0o777, ...owner },
      { name: "etc/empty", type: "reg", size: 0, mode: 0o644, ...owner },
      {
        name: "etc/größe",
        type: "reg",
        size: 8,
        mode: 0o644,
        ...owner,
        xattrs: { "user.bytes": "AP89", "security.capability": "AQ==" },
      },
      { name: "dev/null", type: "char", mode: 0o644, ...owner, devMajor: 1, devMinor: 3 },
      { name: "dev/sda", type: "block", mode: 0o644, ...owner, devMajor: 8, devMinor: 0 },
      { name: "run/fifo", type: "fifo", mode: 0o644, ...owner },
      { name: "etc/.wh.gone", type: "reg", size: 0, mode: 0o644, ...owner },
      { name: "usr/exact", type: "reg", size: 2048, mode: 0o644, ...owner },
      { name: "usr/large", type: "reg", size: 10_000, mode: 0o644, ...owner },
    ]);
  });

  it("is a gzip file like any other, in which the source's entries stand as they were", async () => {
    const layer = await layerFromBytes(TAR, { estargz: true });
    const tar = new Uint8Array(gunzipSync(await stored(layer)));
    assertEquals(await collect(await layer.uncompressed()), tar);
    const names: string[] = [];
    for await (const entry of readTar(streamOf(tar))) names.push(entry.path);
    assertEquals(names, [LANDMARK, ...ENTRIES.map((entry) => "path" in entry ? entry.path : ""), "stargz.index.json"]);
    // Header for header, byte for byte: the landmark takes two blocks, the table follows where the source ends.
    const entries = TAR.subarray(0, TAR.length - 1024);
    assertEquals(tar.slice(1024, 1024 + entries.length), entries.slice());
    await validateLayer(layer);
  });

  it("says in its descriptor what it is", async () => {
    const layer = await layerFromBytes(TAR, { estargz: true, annotations: { mine: "too" } });
    assertFalse(layer.digestKnown());
    const bytes = await stored(layer);
    assert(layer.digestKnown());
    const tar = new Uint8Array(gunzipSync(bytes));
    assertEquals(await layer.descriptor(), {
      mediaType: MediaType.OciLayerGzip,
      digest: await digestBytes(bytes),
      size: bytes.length,
      annotations: {
        mine: "too",
        [TOC_DIGEST]: readEstargz(bytes).tocDigest,
        [UNCOMPRESSED_SIZE]: String(tar.length),
      },
    });
    assertEquals(await layer.diffId(), `sha256:${createHash("sha256").update(tar).digest("hex")}`);
    const asked = await layerFromBytes(TAR, { estargz: true, annotations: { mine: "too" } });
    assertEquals(await asked.diffId(), await layer.diffId());
    assertEquals(await asked.descriptor(), await layer.descriptor());
  });

  it("is the same however the source is cut, and read one-shot", async () => {
    const whole = await stored(await layerFromBytes(TAR, { estargz: { chunkSize: 3000 } }));
    for (const size of [1, 777, 5000]) {
      const open = () => Promise.resolve(streamFrom(...pieces(TAR, size)));
      assertEquals(await stored(layerFromUncompressed({ uncompressed: open, estargz: { chunkSize: 3000 } })), whole);
    }
    const oneShot = streamLayer(streamOf(TAR), { estargz: { chunkSize: 3000 } });
    await assertRejects(() => oneShot.descriptor(), StreamLayerError);
    assertEquals(await stored(oneShot), whole);
    assertEquals(await oneShot.digest(), await digestBytes(whole));
    assertEquals(Object.keys((await oneShot.descriptor()).annotations ?? {}).sort(), [TOC_DIGEST, UNCOMPRESSED_SIZE]);
    const left = streamLayer(streamOf(TAR), { estargz: true });
    assertEquals(await digestBytes(await collect(await left.uncompressed())), await left.diffId());
  });

  it("is made of a compressed tarball too, and of an eStargz it is the same again", async () => {
    const first = await stored(await layerFromBytes(TAR, { estargz: true }));
    for (const kind of ["gzip", "zstd"] as const) {
      const packed = await collect(compress(streamOf(TAR), kind));
      assertEquals(await stored(await layerFromBytes(packed, { estargz: true })), first);
      const opened = await layerFromOpener(() => Promise.resolve(streamOf(packed)), { estargz: true });
      assertEquals(await stored(opened), first);
    }
    assertEquals(await stored(await layerFromBytes(first, { estargz: true })), first);
  });

  it("drops the landmarks and tables of others, however their names are written", async () => {
    const tar = await collect(writeTar([
      { path: "./stargz.index.json", content: utf8("{}") },
      { path: "/.prefetch.landmark", content: utf8("x") },
      { path: LANDMARK, content: utf8("x") },
      { path: "app/stargz.index.json", content: utf8("kept") },
    ]));
    const { entries } = await read(tar);
    assertEquals(entries.map(({ name }) => name), [LANDMARK, "app/stargz.index.json"]);
  });

  it("has the last of several entries with a name in its table, as a disk would", async () => {
    const tar = await collect(writeTar([
      { path: "a", content: noise(5000) },
      { path: "b", content: utf8("b") },
      { path: "./a", content: utf8("second") },
      { type: "directory", path: "c/", mode: 0o700 },
      { type: "directory", path: "c", mode: 0o755 },
    ]));
    const { entries, files } = await read(tar, { chunkSize: 1000 });
    assertEquals(entries.map(({ name, mode }) => [name, mode]), [
      [LANDMARK, 0o644],
      ["b", 0o644],
      ["./a", 0o644],
      ["c", 0o755],
    ]);
    assertEquals(files.get("./a"), utf8("second"));
  });

  it("writes sparse files out", async () => {
    // Two blocks of data in a file of 5 KB, as GNU tar writes it.
    const map = {
      386: "00000001000\x0000000001000\x00",
      410: "00000011000\x0000000001000\x00",
      483: "00000012000\x00",
    };
    const data = joinedBlocks("A", "B");
    const fields = { name: "sparse", typeflag: "S", size: data.length, magic: "ustar  \0", at: map };
    const tar = archive(header(fields), data);
    const { entries, files } = await read(tar);
    const expected = new Uint8Array(5120);
    expected.fill(65, 512, 1024);
    expected.fill(66, 4608, 5120);
    assertEquals(files.get("sparse"), expected);
    assertEquals(entries[1].size, 5120);
    const whole = new Uint8Array(gunzipSync(await stored(await layerFromBytes(tar, { estargz: true }))));
    assertEquals((await filesOf(whole)).get("sparse"), expected);
  });

  it("can be empty", async () => {
    for (const empty of [new Uint8Array(0), new Uint8Array(1024)]) {
      const layer = layerFromUncompressed({ uncompressed: () => Promise.resolve(streamOf(empty)), estargz: true });
      assertEquals(readEstargz(await stored(layer)).entries.map(({ name }) => name), [LANDMARK]);
    }
  });

  it("keeps little in memory: a large chunk is compressed as it comes", async () => {
    const tar = await bigTar(3, 3_000_000);
    const source = track(pieces(tar, 100_000));
    const layer = layerFromUncompressed({ uncompressed: () => Promise.resolve(source.stream), estargz: true });
    const reader = (await layer.compressed()).getReader();
    const first = await reader.read();
    assertGreater(first.value!.length, 0);
    assertGreater(20, source.pulls());
    await reader.cancel("enough");
    assertEquals(source.cancels, ["enough"]);
  });
});

describe("an eStargz layer fails", () => {
  const failing = async (tar: Bytes, message: string, chunkSize?: number) => {
    const layer = await layerFromBytes(tar, { estargz: chunkSize ? { chunkSize } : true });
    const error = await assertRejects(() => stored(layer), TarError, message);
    assertFalse(layer.digestKnown());
    return error;
  };

  it("of a tar that ends early", async () => {
    const tar = await bigTar(1);
    await failing(tar.slice(0, 100_000), "tar archive ends at offset");
    await failing(tar.slice(0, 100_000), "tar archive ends at offset", 30_000);
    await failing(TAR.slice(0, 700), "tar archive ends at offset");
    const long = await bigTar(2, 2_000_000);
    await failing(long.slice(0, 1_500_000), 'tar archive ends at offset 1500000, inside "big2"');
  });

  it("of a name that no JSON holds, and a type that the table does not have", async () => {
    const error = await failing(archive(header({ name: latin1("caf\xe9") })), `has a name that is not UTF-8`);
    assertEquals(error.hint, "store the layer as plain gzip");
    await failing(archive(header({ name: "link", typeflag: "2", linkname: "caf\xe9" })), "links to a name that is not");
    await failing(
      archive(header({ name: "label", typeflag: "V" })),
      `tar entry "label" is of the type "V", which the table of an eStargz layer can't say`,
    );
    await failing(archive(header({ name: "../up" })), `has a ".." in its name`);
  });

  it("of a source that fails, or when nobody wants it any more", async () => {
    const cut = new Error("cut");
    for (const chunks of [[cut], [TAR.slice(0, 3000), cut], [(await bigTar(1)).slice(0, 150_000), cut]]) {
      const layer = layerFromUncompressed({
        uncompressed: () => Promise.resolve(streamFrom(...chunks)),
        estargz: true,
      });
      assert(await assertRejects(() => stored(layer)) === cut);
    }
    const source = track([TAR]);
    const layer = layerFromUncompressed({ uncompressed: () => Promise.resolve(source.stream), estargz: true });
    await (await layer.compressed()).cancel("unread");
    assertEquals(source.cancels, ["unread"]);
  });

  it("of options that contradict one another", () => {
    const uncompressed = () => Promise.resolve(streamOf(TAR));
    for (const compression of ["zstd", "none"] as const) {
      assertThrows(
        () => layerFromUncompressed({ uncompressed, estargz: true, compression }),
        TypeError,
        `an eStargz layer is gzip, and can't be stored as ${compression}`,
      );
      assertThrows(() => streamLayer(streamOf(TAR), { estargz: true, compression }), TypeError, "eStargz");
    }
  });

  it("of a chunk size that is none", async () => {
    for (const chunkSize of [0, -1, 1.5, NaN]) {
      const layer = await layerFromBytes(TAR, { estargz: { chunkSize } });
      await assertRejects(() => drainOf(layer), RangeError, "chunkSize must be a whole number from 1 on");
    }
  });
});

describe("an eStargz layer of a directory", () => {
  const withFolder = async (work: (folder: string) => Promise<void>) => {
    const folder = mkdtempSync(join(tmpdir(), "gcrane-estargz-"));
    try {
      await work(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

  it("holds its files", async () => {
    await withFolder(async (folder) => {
      writeFileSync(join(folder, "a"), "hello\n");
      const layer = await layerFromDirectory(folder, { estargz: true, mtime: 0 });
      assertEquals(readEstargz(await stored(layer)).files.get("a"), utf8("hello\n"));
    });
  });

  peerIt("is unpacked by GNU tar like the tree that it was made of", ["tar"], async () => {
    await withFolder(async (folder) => {
      const [tree, unpacked, file] = ["tree", "unpacked", "layer.tar.gz"].map((name) => join(folder, name));
      for (const path of [tree, unpacked]) mkdirSync(path);
      makeTree(tree);
      writeFileSync(file, await stored(await layerFromDirectory(tree, { estargz: { chunkSize: 100_000 } })));
      await runPeer("tar", ["-xzf", file, "-C", unpacked]);
      for (const extra of [LANDMARK, "stargz.index.json"]) rmSync(join(unpacked, extra));
      assertEquals(describeTree(unpacked), describeTree(tree));
    });
  });

  peerIt("is made of what GNU tar writes, sparse files and long names included", ["tar"], async () => {
    await withFolder(async (folder) => {
      makeTree(folder);
      writeFileSync(join(folder, "etc", "holes"), "begin");
      truncateSync(join(folder, "etc", "holes"), 1_000_000);
      for (const format of ["gnu", "posix"]) {
        const tar = await runPeerForBytes("tar", [
          "--format",
          format,
          "--sparse",
          "-cf",
          "-",
          "-C",
          folder,
          "bin",
          "etc",
        ]);
        const { files } = await read(tar, { chunkSize: 5000 });
        files.delete(LANDMARK);
        assertEquals(files, await filesOf(tar));
      }
    });
  });
});

async function drainOf(layer: Layer): Promise<void> {
  await drain(await layer.compressed());
}

/** A block of each letter. */
function joinedBlocks(...letters: string[]): Bytes {
  return utf8(letters.map((letter) => letter.repeat(512)).join(""));
}
