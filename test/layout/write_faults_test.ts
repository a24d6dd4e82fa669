import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readFileSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { createLayout, writeLayout } from "../../src/layout/mod.ts";
import { DigestMismatchError, FileError, NetworkError, NotFoundError, SizeMismatchError } from "../../src/errors.ts";
import type { ProgressEvent } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import type { Descriptor, Hash } from "../../src/spec/mod.ts";
import { blobPath, filesUnder, inFolder, onFullDisk } from "../make/folders.ts";
import { failing, inChunks, stalling } from "../make/streams.ts";
import { imageOf, tarOf, testLayer, textImage } from "../make/images.ts";
import { meeting } from "../make/waiting.ts";
import { utf8 } from "../make/bytes.ts";

/** What `index.json` lists. */
function listed(folder: string): Descriptor[] {
  return JSON.parse(readFileSync(join(folder, "index.json"), "utf8")).manifests;
}

/** Returns the blobs of a layout by their file names. */
function blobsIn(folder: string): string[] {
  return filesUnder(join(folder, "blobs"));
}

describe("Layout, when writing goes wrong", () => {
  it("refuses a blob that is not what it should be, and leaves nothing of it", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const digest = await digestBytes(utf8("hello"));
      await assertRejects(() => layout.writeBlob(digest, inChunks(utf8("hullo"))), DigestMismatchError);
      await assertRejects(() => layout.writeBlob(digest, inChunks(utf8("hello")), { size: 4 }), SizeMismatchError);
      await assertRejects(() => layout.writeBlob(digest, inChunks(utf8("hello")), { size: 6 }), SizeMismatchError);
      assertEquals(blobsIn(folder), []);
      await layout.writeBlob(digest, inChunks(utf8("hello")), { size: 5 });
      let cancelled = false;
      await layout.writeBlob(digest, new ReadableStream({ cancel: () => void (cancelled = true) }));
      assertEquals(cancelled, true);
    });
  });
  it("leaves nothing of a layer that is cut off, and does not list the image", async () => {
    await inFolder(async (folder) => {
      const cut = new NetworkError("the connection was cut");
      const content = await tarOf("a", crypto.getRandomValues(new Uint8Array(20_000)));
      const bad = await testLayer(content, { onOpen: (stream) => failing(stream, cut) });
      const layout = await createLayout(folder);
      const error = await assertRejects(() => layout.appendImage(imageOf([bad])), NetworkError);
      assertEquals(error, cut);
      assertEquals(listed(folder), []);
      assertEquals(blobsIn(folder).includes((await bad.digest()).replace(":", "/")), false);
      assertEquals(filesUnder(folder).filter((name) => name.includes("tmp")), []);
    });
  });
  it("notices a layer whose bytes are others", async () => {
    await inFolder(async (folder) => {
      const other = inChunks(utf8("something else"));
      const bad = await testLayer(await tarOf("a", "one"), { onOpen: () => other });
      const layout = await createLayout(folder);
      await assertRejects(() => layout.writeLayer(bad), SizeMismatchError);
      assertEquals(blobsIn(folder), []);
    });
  });
  it("stops the other layers when one fails", async () => {
    await inFolder(async (folder) => {
      const cut = new NetworkError("the connection was cut");
      const stalled = Promise.withResolvers<void>();
      let cancelled = false;
      const waits = await testLayer(await tarOf("a", "one"), {
        onOpen: (stream) => stalling(stream, stalled.resolve, () => cancelled = true),
      });
      const fails = await testLayer(await tarOf("a", "two"), {
        onOpen: async () => {
          await stalled.promise;
          throw cut;
        },
      });
      const layout = await createLayout(folder);
      await assertRejects(() => layout.writeImage(imageOf([waits, fails])), NetworkError);
      assertEquals(cancelled, true);
      assertEquals(filesUnder(folder).filter((name) => name.includes("tmp")), []);
    });
  });
  it("leaves nothing half-written when it is aborted", async () => {
    await inFolder(async (folder) => {
      const abort = new AbortController();
      const reason = new Error("enough");
      const layer = await testLayer(await tarOf("a", "one"), {
        onOpen: (stream) => stalling(stream, () => abort.abort(reason)),
      });
      const layout = await createLayout(folder);
      const error = await assertRejects(() => layout.appendImage(imageOf([layer]), { signal: abort.signal }));
      assertEquals(error, reason);
      assertEquals(listed(folder), []);
      assertEquals(blobsIn(folder).filter((name) => name.includes("tmp")), []);
    });
  });
  it("says that the disk is full, and leaves nothing half-written", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const layer = await testLayer(await tarOf("a", crypto.getRandomValues(new Uint8Array(20_000))));
      const error = await onFullDisk(5000, () => assertRejects(() => layout.writeLayer(layer), FileError));
      assertEquals(error.errno, "ENOSPC");
      assertStringIncludes(error.message, folder);
      assertStringIncludes(error.hint!, "space");
      assertEquals(blobsIn(folder), []);
      await layout.writeLayer(layer);
    });
  });
  it("leaves index.json as it was when the disk is full", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const { digest, mediaType, size } = await layout.appendImage(await textImage("one"));
      const before = filesUnder(folder);
      const text = readFileSync(join(folder, "index.json"), "utf8");
      const append = () => layout.appendDescriptor({ digest, mediaType, size, annotations: { a: "b" } });
      await onFullDisk(10, () => assertRejects(append, FileError, join(folder, "index.json")));
      assertEquals(filesUnder(folder), before);
      assertEquals(readFileSync(join(folder, "index.json"), "utf8"), text);
    });
  });
  it("fails when the member of an index is missing", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(join(folder, "a"));
      const { digest } = await layout.appendImage(await textImage("one"));
      unlinkSync(blobPath(layout.path, digest));
      await assertRejects(() => writeLayout(join(folder, "b"), layout.index()), NotFoundError, digest);
    });
  });
});

describe("Layout, layers side by side", () => {
  it("writes up to `concurrency` at a time", { timeout: 20_000 }, async () => {
    await inFolder(async (folder) => {
      const meet = meeting(3);
      let active = 0;
      let most = 0;
      const layers = await Promise.all(
        ["a", "b", "c", "d", "e"].map(async (name, index) =>
          await testLayer(await tarOf(name, name), {
            onOpen: async (stream) => {
              most = Math.max(most, ++active);
              // The first three must be open at the same time, or none continues.
              if (index < 3) await meet();
              active--;
              return stream;
            },
          })
        ),
      );
      await (await createLayout(folder)).writeImage(imageOf(layers), { concurrency: 3 });
      assertEquals(most, 3);
    });
  });
});

describe("Layout, progress", () => {
  it("tells of each blob from its start to its end", async () => {
    await inFolder(async (folder) => {
      const layer = await testLayer(await tarOf("a", crypto.getRandomValues(new Uint8Array(5000))));
      const image = imageOf([layer]);
      const layout = await createLayout(folder);
      const digests = [await layer.digest(), await image.configName()];
      const events: ProgressEvent[] = [];
      await layout.appendImage(image, { onProgress: (event) => events.push(event) });
      const of = (digest: Hash) => events.filter(({ id }) => id === digest);
      for (const digest of digests) {
        const [last] = of(digest).slice(-1);
        assertEquals(last.state, "done");
        assertEquals(last.complete, last.total);
        assertEquals(last.kind, "write");
      }
      const layerEvents = of(digests[0]);
      assertEquals(layerEvents[0].complete, 0);
      assertEquals(layerEvents[0].label, `layer ${digests[0].slice(7, 19)}`);
      assertEquals(layerEvents.every(({ complete }, at) => at === 0 || complete >= layerEvents[at - 1].complete), true);
      assertEquals(of(digests[1])[0].label.startsWith("config "), true);

      events.length = 0;
      await layout.appendImage(image, { onProgress: (event) => events.push(event) });
      assertEquals(events.map(({ state }) => state), ["waiting", "waiting", "skipped", "skipped"]);
    });
  });
  it("tells that a blob failed", async () => {
    await inFolder(async (folder) => {
      const cut = new NetworkError("the connection was cut");
      const content = await tarOf("a", crypto.getRandomValues(new Uint8Array(5000)));
      const layer = await testLayer(content, { onOpen: (stream) => failing(stream, cut) });
      const events: ProgressEvent[] = [];
      const layout = await createLayout(folder);
      await assertRejects(() => layout.writeLayer(layer, { onProgress: (event) => events.push(event) }));
      assertEquals(events.map(({ state }) => state), ["waiting", "active", "active", "failed"]);
    });
  });
});
