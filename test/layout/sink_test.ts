import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transfer } from "../../src/graph/mod.ts";
import type { Image } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { BlobFiles } from "../../src/layout/blob_files.ts";
import { createLayout } from "../../src/layout/mod.ts";
import { LayoutSink } from "../../src/layout/sink.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { sinkContract, type SinkUnderTest } from "../contracts/sink_contract.ts";
import { filesUnder } from "../make/folders.ts";
import { utf8 } from "../make/bytes.ts";

async function openSink(): Promise<SinkUnderTest> {
  const path = mkdtempSync(join(tmpdir(), "gcrane_test_"));
  const layout = await createLayout(path);
  const sink = new LayoutSink(path, new BlobFiles(path));
  const blobs = () => filesUnder(join(path, "blobs"));
  return {
    async write(roots, options) {
      await transfer(roots, sink, options);
      const images: Image[] = [];
      for (const { view } of roots) {
        if (view.kind !== "image") continue;
        await layout.appendDescriptor(await view.descriptor());
        images.push(await layout.image(await view.digest()));
      }
      const files = blobs().map((name) => `${name} ${readFileSync(join(path, "blobs", name), "latin1")}`);
      const stored = new Set(blobs().map((name) => name.replace("/", ":") as Hash));
      return { images, print: await digestBytes(utf8(files.join("\n"))), stored };
    },
    leftovers: () => blobs().filter((name) => !/^sha256\/[0-9a-f]{64}$/.test(name)),
    [Symbol.asyncDispose]() {
      rmSync(path, { recursive: true });
      return Promise.resolve();
    },
  };
}

sinkContract("a layout as a sink", { open: openSink, keeps: true, indexes: true });
