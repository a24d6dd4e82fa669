import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { cachedImage, cachedIndex, cachedLayer, fileCache, readOnlyCache } from "../../src/cache/mod.ts";
import { DigestMismatchError } from "../../src/errors.ts";
import { drain } from "../../src/io/mod.ts";
import {
  type Layer,
  layerFromCompressed,
  randomImage,
  randomIndex,
  randomLayer,
  validateImage,
} from "../../src/image/mod.ts";
import { hashHexDigits } from "../../src/spec/mod.ts";

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane-cache-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A layer of known digest that counts how often it is opened. */
async function counted(seed = 1, size = 300_000): Promise<{ layer: Layer; opened: () => number }> {
  const source = randomLayer({ seed, size });
  let opened = 0;
  const layer = layerFromCompressed({
    descriptor: await source.descriptor(),
    compressed: () => {
      opened++;
      return source.compressed();
    },
  });
  return { layer, opened: () => opened };
}

const files = (folder: string) => existsSync(join(folder, "sha256")) ? readdirSync(join(folder, "sha256")).sort() : [];

describe("layer cache", () => {
  it("removes what a killed program left, with the first entry", async () => {
    await withFolder(async (folder) => {
      const [old, fresh] = ["0", "1"].map((last) =>
        join(folder, "sha256", `.${"a".repeat(64)}.01234567-89a${last}.tmp`)
      );
      mkdirSync(join(folder, "sha256"));
      for (const path of [old, fresh]) writeFileSync(path, "part");
      utimesSync(old, new Date(), new Date(Date.now() - 2 * 60 * 60 * 1000));
      const { layer } = await counted();
      await drain(await cachedLayer(layer, fileCache(folder)).compressed());
      assertEquals([old, fresh].map((path) => existsSync(path)), [false, true]);
    });
  });

  it("reads a layer once, and from the file afterwards", async () =>
    await withFolder(async (folder) => {
      const { layer, opened } = await counted();
      const cached = cachedLayer(layer, fileCache(folder));
      const size = await layer.size();
      for (let round = 0; round < 3; round++) assertEquals(await drain(await cached.compressed()), size);
      assertEquals(opened(), 1);
      assertEquals(files(folder), [hashHexDigits(await layer.digest())]);
      assertEquals(await drain(await cached.uncompressed()), size);
      assertEquals(opened(), 1);
    }));

  it("keeps nothing of a layer that was not read to its end", async () =>
    await withFolder(async (folder) => {
      const { layer, opened } = await counted();
      const cached = cachedLayer(layer, fileCache(folder));
      const reader = (await cached.compressed()).getReader();
      await reader.read();
      await reader.cancel();
      assertEquals(files(folder), []);
      await drain(await cached.compressed());
      assertEquals([opened(), files(folder).length], [2, 1]);
    }));

  it("keeps nothing of a layer that is not what its digest says", async () =>
    await withFolder(async (folder) => {
      const right = await randomLayer({ seed: 1 }).descriptor();
      const wrong = layerFromCompressed({ descriptor: right, compressed: () => randomLayer({ seed: 2 }).compressed() });
      const cached = cachedLayer(wrong, fileCache(folder));
      await assertRejects(async () => await drain(await cached.compressed()), DigestMismatchError);
      assertEquals(files(folder), []);
    }));

  it("refuses an entry that was changed, and gets the layer anew the next time", async () =>
    await withFolder(async (folder) => {
      const { layer, opened } = await counted();
      const cached = cachedLayer(layer, fileCache(folder));
      await drain(await cached.compressed());
      const path = join(folder, "sha256", hashHexDigits(await layer.digest()));
      const bytes = readFileSync(path);
      bytes[1000] ^= 1;
      writeFileSync(path, bytes);
      await assertRejects(async () => await drain(await cached.compressed()), DigestMismatchError);
      assertEquals(await drain(await cached.compressed()), await layer.size());
      assertEquals(opened(), 2);
    }));

  it("does not take an entry that is a link", async () =>
    await withFolder(async (folder) => {
      const { layer, opened } = await counted();
      const cache = fileCache(join(folder, "cache"));
      await drain(await cachedLayer(layer, cache).compressed());
      const path = join(folder, "cache", "sha256", hashHexDigits(await layer.digest()));
      writeFileSync(join(folder, "elsewhere"), readFileSync(path));
      rmSync(path);
      symlinkSync(join(folder, "elsewhere"), path);
      await drain(await cachedLayer(layer, cache).compressed());
      assertEquals(opened(), 2);
    }));

  it("keeps nothing new and removes nothing if it is read-only", async () =>
    await withFolder(async (folder) => {
      const cache = fileCache(folder);
      const [kept, other] = [await counted(1), await counted(2)];
      await drain(await cachedLayer(kept.layer, cache).compressed());
      const readOnly = readOnlyCache(cache);
      for (const { layer } of [kept, other]) await drain(await cachedLayer(layer, readOnly).compressed());
      await readOnly.remove(await kept.layer.digest());
      assertEquals([kept.opened(), other.opened(), files(folder)], [1, 1, [hashHexDigits(await kept.layer.digest())]]);
    }));

  it("serves readers side by side", async () =>
    await withFolder(async (folder) => {
      const { layer } = await counted(3, 2_000_000);
      const cached = cachedLayer(layer, fileCache(folder));
      const sizes = await Promise.all([1, 2, 3].map(async () => await drain(await cached.compressed())));
      assertEquals(new Set(sizes).size, 1);
      assertEquals(files(folder).length, 1);
    }));

  it("steps aside with a warning when its path is a file", async () =>
    await withFolder(async (folder) => {
      const path = join(folder, "file");
      writeFileSync(path, "");
      const warnings: string[] = [];
      const { layer } = await counted();
      const cached = cachedLayer(layer, fileCache(path, { onWarning: (text) => warnings.push(text) }));
      assertEquals(await drain(await cached.compressed()), await layer.size());
      assert(warnings[0].includes(path));
    }));

  it("keeps the layers of images, and of every image of an index", async () =>
    await withFolder(async (folder) => {
      const image = randomImage({ seed: 5, layers: 2 });
      await image.digest(); // so that the layers have digests
      await validateImage(cachedImage(image, fileCache(folder)));
      assertEquals(files(folder).length, 2);

      const index = randomIndex({ seed: 6, images: 2, layers: 1 });
      await index.digest();
      for (const { view } of await cachedIndex(index, fileCache(folder)).children()) {
        if (view.kind === "image") await validateImage(view);
      }
      assertEquals(files(folder).length, 4);
    }));
});
