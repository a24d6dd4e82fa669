import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Root, transfer } from "../../src/graph/mod.ts";
import type { Image, ImageIndex } from "../../src/image/mod.ts";
import { type AbortOptions, digestBytes } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { readTar } from "../../src/tar/mod.ts";
import { archiveFile, archiveStream, type WriteArchive } from "../../src/tarball/archive_output.ts";
import { type ArchiveFormat, ArchiveSink } from "../../src/tarball/archive_sink.ts";
import { TarViews } from "../../src/tarball/as_tars.ts";
import { dockerFormat } from "../../src/tarball/docker_format.ts";
import { legacyFormat } from "../../src/tarball/legacy_format.ts";
import { tarballBytes, tarballContents } from "../../src/tarball/mod.ts";
import { ociFormat } from "../../src/tarball/oci_format.ts";
import { sinkContract, type SinkUnderTest, type Written } from "../contracts/sink_contract.ts";
import { collect, inChunks } from "../make/streams.ts";
import { filesUnder } from "../make/folders.ts";
import { textImage } from "../make/images.ts";

/** How a format is written. */
interface Format {
  readonly format: ArchiveFormat;
  /** What is written instead of a root. */
  rootOf?(root: Root): Root;
}

function legacy(): Format {
  const views = new TarViews();
  return {
    format: legacyFormat(views),
    rootOf: ({ view, names }) => ({ view: view.kind === "image" ? views.of(view) : view, names }),
  };
}

/** Writes an archive and gives its bytes. */
type Output = (write: WriteArchive, options: AbortOptions) => Promise<Bytes>;

function openArchives({ format, rootOf = (root) => root }: Format, to: "file" | "stream"): SinkUnderTest {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_test_"));
  let count = 0;
  const toFile: Output = async (write, options) => {
    const path = join(folder, `${count++}.tar`);
    await archiveFile(path, write, options);
    const bytes = new Uint8Array(readFileSync(path));
    rmSync(path);
    return bytes;
  };
  const toStream: Output = async (write, options) => {
    let writing: Promise<void> | undefined;
    try {
      return await collect(archiveStream((...target) => writing = write(...target), options));
    } finally {
      // A stream that is aborted fails at once; what it was made of is gone when its writing ends.
      await writing?.catch(() => {});
    }
  };
  return {
    async write(roots, options = {}) {
      const write: WriteArchive = (target, signal) =>
        transfer(roots.map(rootOf), new ArchiveSink(format, target), { ...options, signal });
      return await read(await (to === "file" ? toFile : toStream)(write, options), roots);
    },
    leftovers: () => filesUnder(folder),
    [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  };
}

async function read(archive: Bytes, roots: readonly Root[]): Promise<Written> {
  const print = await digestBytes(archive);
  const contents = await tarballContents(tarballBytes(archive));
  if (contents.kind === "images") return { images: (await contents.all()).map(({ image }) => image), print };
  const stored = new Set<Hash>();
  for await (const { path } of readTar(inChunks(archive))) {
    const [, algorithm, hex] = /^blobs\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (hex) stored.add(`${algorithm}:${hex}` as Hash);
  }
  return { images: await imagesIn(contents.index, roots), print, stored };
}

async function imagesIn(index: ImageIndex, roots: readonly Root[]): Promise<Image[]> {
  const images: Image[] = [];
  for (const { view } of roots) if (view.kind === "image") images.push(await index.image(await view.digest()));
  return images;
}

const FORMATS: Readonly<Record<string, () => Format>> = {
  docker: () => ({ format: dockerFormat }),
  legacy,
  oci: () => ({ format: ociFormat }),
};

describe("a sink that plans", () => {
  it("is not given what is skipped before it is looked at, nor what is below that", async () => {
    const [kept, skipped] = await Promise.all(["kept", "skipped"].map((text) => textImage(text)));
    const planned: Hash[] = [];
    const format: ArchiveFormat = (nodes) => {
      planned.push(...nodes.map((node) => node.descriptor!.digest));
      return Promise.resolve([]);
    };
    const target = { begin: () => Promise.resolve(), write: () => Promise.resolve() };
    await transfer([{ view: skipped }, { view: kept }], new ArchiveSink(format, target), {
      before: (view) => view === skipped ? "skip" : undefined,
    });
    const [layer] = await kept.layers();
    assertEquals(planned, [await kept.configName(), await layer.digest(), await kept.digest()]);
  });
});

for (const [name, make] of Object.entries(FORMATS)) {
  for (const to of ["file", "stream"] as const) {
    sinkContract(`a ${name} archive to a ${to} as a sink`, {
      open: () => Promise.resolve(openArchives(make(), to)),
      indexes: name === "oci",
    });
  }
}
