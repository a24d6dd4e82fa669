import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imageFromTarball, tarballBytes, writeTarball, writeTarballFile } from "../../src/tarball/mod.ts";
import { FileError, NetworkError, SizeMismatchError, TarballError } from "../../src/errors.ts";
import { emptyImage, layerFromCompressed, type ProgressEvent, validateImage } from "../../src/image/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { collect, failing, inChunks, stalling } from "../make/streams.ts";
import { filesUnder, inFolder, leavingNothing, onFullDisk } from "../make/folders.ts";
import { imageOf, randomLayer, streamingLayer, tarOf, textImage } from "../make/images.ts";
import { meeting } from "../make/waiting.ts";

/** The name of a file without its extension. */
function hexOf(digest: Hash): string {
  return digest.slice(digest.indexOf(":") + 1);
}

describe("writeTarballFile", () => {
  it("writes layers side by side", { timeout: 20_000 }, async () => {
    await inFolder(async (folder) => {
      const meet = meeting(3);
      const layers = await Promise.all([1, 2, 3].map((size) =>
        randomLayer(size * 100_000, {
          onOpen: async (stream) => {
            await meet();
            return stream;
          },
        })
      ));
      await writeTarballFile(join(folder, "a.tar"), [{ image: imageOf(layers) }]);
      const copy = await imageFromTarball(tarballBytes(new Uint8Array(readFileSync(join(folder, "a.tar")))));
      assertEquals((await copy.layers()).length, 3);
      await validateImage(copy);
    });
  });
  it("replaces a file, and what a link leads to", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "a.tar");
      writeFileSync(path, "old");
      symlinkSync("a.tar", join(folder, "link.tar"));
      await writeTarballFile(join(folder, "link.tar"), [{ image: await textImage("one") }]);
      assertEquals(lstatSync(join(folder, "link.tar")).isSymbolicLink(), true);
      assertEquals(readFileSync(path).length > 1024, true);
      assertEquals(readdirSync(folder).sort(), ["a.tar", "link.tar"]);
    });
  });
  it("removes what a killed program left of the same file, but not what another one is writing", async () => {
    await inFolder(async (folder) => {
      const names = ["a.tar", "a.tar", "b.tar"].map((name, i) => `.${name}.01234567-89a${i}.tmp`);
      const [old, fresh, other] = names;
      for (const name of names) writeFileSync(join(folder, name), "part");
      const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
      for (const name of [old, other]) utimesSync(join(folder, name), longAgo, longAgo);
      await writeTarballFile(join(folder, "a.tar"), [{ image: await textImage("one") }]);
      assertEquals(readdirSync(folder).sort(), [fresh, other, "a.tar"]);
    });
  });
  it("writes into a fifo from the beginning to the end", { timeout: 20_000 }, async () => {
    await inFolder(async (folder) => {
      const [fifo, out] = [join(folder, "fifo"), join(folder, "out.tar")];
      execFileSync("mkfifo", [fifo]);
      const reader = spawn("sh", ["-c", `cat ${fifo} > ${out}`]);
      const ended = once(reader, "exit");
      const image = await textImage("one", "two");
      await writeTarballFile(fifo, [{ image }]);
      await ended;
      assertEquals(new Uint8Array(readFileSync(out)), await collect(writeTarball([{ image }])));
    });
  });
  it("refuses a directory, and a place that is not there", async () => {
    await inFolder(async (folder) => {
      mkdirSync(join(folder, "d"));
      const entries = [{ image: emptyImage() }];
      await assertRejects(() => writeTarballFile(join(folder, "d"), entries), TarballError, "is a directory");
      const error = await assertRejects(() => writeTarballFile(join(folder, "no", "a.tar"), entries), FileError);
      assertEquals(error.errno, "ENOENT");
      assertStringIncludes(error.message, join(folder, "no", "a.tar"));
    });
  });
  it("leaves nothing, and what was there, when a layer is cut off", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "a.tar");
      writeFileSync(path, "old");
      const cut = new NetworkError("the connection was cut");
      const bad = await randomLayer(100_000, { onOpen: (stream) => failing(stream, cut) });
      const image = imageOf([streamingLayer(await tarOf("a", "spooled")), bad]);
      await leavingNothing(async () => {
        assertEquals(await assertRejects(() => writeTarballFile(path, [{ image }])), cut);
      });
      assertEquals(filesUnder(folder), ["a.tar"]);
      assertEquals(readFileSync(path, "utf8"), "old");
    });
  });
  it("leaves nothing when it is aborted", async () => {
    await inFolder(async (folder) => {
      const abort = new AbortController();
      const reason = new Error("enough");
      const layer = await randomLayer(100_000, {
        onOpen: (stream) => stalling(stream, () => abort.abort(reason)),
      });
      const write = () =>
        writeTarballFile(join(folder, "a.tar"), [{ image: imageOf([layer]) }], { signal: abort.signal });
      assertEquals(await assertRejects(write), reason);
      assertEquals(filesUnder(folder), []);
    });
  });
  it("says that the disk is full, and leaves nothing", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "a.tar");
      const image = imageOf([await randomLayer(100_000)]);
      const error = await onFullDisk(50_000, () => assertRejects(() => writeTarballFile(path, [{ image }]), FileError));
      assertEquals(error.errno, "ENOSPC");
      assertStringIncludes(error.message, path);
      assertEquals(filesUnder(folder), []);
    });
  });
  it("never lets a layer grow into the place of the next", async () => {
    await inFolder(async (folder) => {
      const good = await randomLayer(1000);
      const bad = layerFromCompressed({
        descriptor: await good.descriptor(),
        compressed: () => Promise.resolve(inChunks(new Uint8Array(1_000_000))),
      });
      const image = imageOf([{ ...bad, diffId: good.diffId }]);
      await assertRejects(() => writeTarballFile(join(folder, "a.tar"), [{ image }]), SizeMismatchError);
      assertEquals(filesUnder(folder), []);
    });
  });
  it("tells how far each file has got", async () => {
    await inFolder(async (folder) => {
      const layer = await randomLayer(10_000);
      const image = imageOf([layer]);
      const events: ProgressEvent[] = [];
      await writeTarballFile(join(folder, "a.tar"), [{ image }], { onProgress: (event) => events.push(event) });
      const of = (id: string) => events.filter((event) => event.id === id);
      const [digest, config] = [await layer.digest(), await image.configName()];
      for (const id of [digest, config]) {
        const [last] = of(id).slice(-1);
        assertEquals([last.state, last.complete, last.kind], ["done", last.total!, "write"]);
      }
      const counts = of(digest).map(({ complete }) => complete);
      assertEquals(counts[0], 0);
      assertEquals(counts.at(-1), await layer.size());
      assertEquals(counts, [...counts].sort((a, b) => a - b));
      assertEquals(of(digest)[0].label, `layer ${hexOf(digest).slice(0, 12)}`);

      events.length = 0;
      const bad = await randomLayer(10_000, { onOpen: (stream) => failing(stream, new Error("cut")) });
      const write = () =>
        writeTarballFile(join(folder, "b.tar"), [{ image: imageOf([bad]) }], {
          onProgress: (event) => events.push(event),
        });
      await assertRejects(write, Error, "cut");
      const badDigest = await bad.digest();
      assertEquals(events.filter(({ id, state }) => id === badDigest && state === "failed").length, 1);
    });
  });
});
