import { describe, it } from "node:test";
import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { createLayout, type Layout, openLayout } from "../../src/layout/mod.ts";
import {
  DigestMismatchError,
  FileError,
  GcraneError,
  HashError,
  LayoutError,
  NotFoundError,
  SizeMismatchError,
} from "../../src/errors.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { blobPath, inFolder, withOpen } from "../make/folders.ts";
import { collect } from "../make/streams.ts";
import { textImage } from "../make/images.ts";
import { utf8 } from "../make/bytes.ts";

const HELLO: Hash = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/** A layout with the blob `hello`, and the blob's path. */
async function withHello(test: (layout: Layout, path: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const layout = await createLayout(folder);
    const path = blobPath(folder, HELLO);
    writeFileSync(path, "hello");
    await test(layout, path);
  });
}

describe("openLayout", () => {
  async function complaint(files: Record<string, string>): Promise<LayoutError> {
    let error: LayoutError | undefined;
    await inFolder(async (folder) => {
      for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
      error = await assertRejects(() => openLayout(folder), LayoutError);
      assertStringIncludes(error.message, folder);
      assertEquals(error.message.includes("\n"), false);
    });
    return error!;
  }
  const marker = { "oci-layout": `{"imageLayoutVersion":"1.0.0"}` };
  const index = { "index.json": `{"schemaVersion":2,"manifests":[]}` };

  it("takes a directory with oci-layout and index.json", async () => {
    await inFolder(async (folder) => {
      for (const [name, content] of Object.entries({ ...marker, ...index })) writeFileSync(join(folder, name), content);
      assertEquals((await (await openLayout(folder)).index().manifest()).manifests, []);
    });
  });
  it("says what a directory lacks that is no layout", async () => {
    const error = await complaint({});
    assertStringIncludes(error.message, "is not an OCI image layout: it has no oci-layout");
    assertStringIncludes(error.hint!, "index.json");
    assertStringIncludes((await complaint(marker)).message, "it has no index.json");
    assertStringIncludes((await complaint(index)).message, "it has no oci-layout");
  });
  it("refuses a version that it does not know", async () => {
    const error = await complaint({ ...index, "oci-layout": `{"imageLayoutVersion":"2.0.0"}` });
    assertStringIncludes(error.message, `"2.0.0"`);
    await complaint({ ...index, "oci-layout": `{}` });
  });
  it("refuses files that are not what they should be", async () => {
    assertStringIncludes((await complaint({ ...index, "oci-layout": "{" })).message, "is not JSON");
    assertStringIncludes((await complaint({ ...marker, "index.json": "[]" })).message, "is not a JSON object");
    assertStringIncludes(
      (await complaint({ ...marker, "index.json": `{"manifests":{}}` })).message,
      "manifests is not a list",
    );
    assertStringIncludes(
      (await complaint({ ...marker, "index.json": `{"manifests":[{"digest":"sha256:../..","size":1}]}` })).message,
      "manifests[0] is not a descriptor",
    );
  });
  it("refuses a path that is nowhere, a file, or holds directories for files", async () => {
    await inFolder(async (folder) => {
      await assertRejects(() => openLayout(join(folder, "nowhere")), LayoutError, "it has no oci-layout");
      writeFileSync(join(folder, "file"), "");
      await assertRejects(() => openLayout(join(folder, "file")), LayoutError, "it has no oci-layout");
      mkdirSync(join(folder, "oci-layout"));
      await assertRejects(() => openLayout(folder), LayoutError, "is not a regular file but a directory");
    });
  });
  it("does not wait for the writer of a fifo", async () => {
    await inFolder(async (folder) => {
      execFileSync("mkfifo", [join(folder, "oci-layout")]);
      await assertRejects(() => openLayout(folder), LayoutError, "is not a regular file but a fifo");
    });
  });
  it("ends when it is aborted", async () => {
    const reason = new Error("enough");
    await inFolder(async (folder) => {
      await createLayout(folder);
      const error = await assertRejects(() => openLayout(folder, { signal: AbortSignal.abort(reason) }));
      assertEquals(error, reason);
    });
  });
});

describe("Layout, reading", () => {
  it("gives back what was written, verified and equal", async () => {
    await inFolder(async (folder) => {
      const image = await textImage("one", "two");
      const { digest } = await (await createLayout(folder)).appendImage(image);
      const copy = await (await openLayout(folder)).image(digest);
      assertEquals(await copy.rawManifest(), await image.rawManifest());
      assertEquals(await copy.rawConfigFile(), await image.rawConfigFile());
      const [layers, copies] = [await image.layers(), await copy.layers()];
      assertEquals(copies.length, 2);
      for (const [index, layer] of layers.entries()) {
        assertEquals(await collect(await copies[index].compressed()), await collect(await layer.compressed()));
        assertEquals(await copies[index].diffId(), await layer.diffId());
      }
    });
  });
  it("gives the only image without being told which, and says what there is otherwise", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const none = await assertRejects(() => layout.image(), NotFoundError);
      assertStringIncludes(none.message, "nothing");
      const { digest } = await layout.appendImage(await textImage("one"));
      assertEquals(await (await layout.image()).digest(), digest);
      const second = await layout.appendImage(await textImage("two"));
      const both = await assertRejects(() => layout.image(), NotFoundError);
      assertStringIncludes(both.message, digest);
      assertStringIncludes(both.message, second.digest);
      await assertRejects(() => layout.image(HELLO), NotFoundError, HELLO);
    });
  });
  it("keeps the bytes of index.json", async () => {
    await inFolder(async (folder) => {
      await createLayout(folder);
      const text = `{ "schemaVersion": 2,  "manifests": [ ], "x": 1 }`;
      writeFileSync(join(folder, "index.json"), text);
      assertEquals(await (await openLayout(folder)).index().rawManifest(), utf8(text));
    });
  });
  it("opens blobs", async () => {
    await withHello(async (layout) => {
      assertEquals(await collect(await layout.blob(HELLO)), utf8("hello"));
      assertEquals(await layout.hasBlob(HELLO), true);
    });
  });
  it("finds out that a blob is corrupt, cut off, too long or missing", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const image = await textImage("one".repeat(1000));
      const { digest } = await layout.appendImage(image);
      const layerDigest = await (await image.layers())[0].digest();
      const path = blobPath(folder, layerDigest);
      const good = readFileSync(path);
      const read = async () => {
        const [layer] = await (await layout.image(digest)).layers();
        return await collect(await layer.compressed());
      };
      const flipped = Uint8Array.from(good);
      flipped[20] ^= 1;
      writeFileSync(path, flipped);
      assertStringIncludes((await assertRejects(read, DigestMismatchError)).message, path);
      truncateSync(path, 20);
      assertStringIncludes((await assertRejects(read, SizeMismatchError)).message, path);
      writeFileSync(path, good);
      appendFileSync(path, "x");
      await assertRejects(read, SizeMismatchError);
      await assertRejects(async () => await collect(await layout.blob(layerDigest)), DigestMismatchError);
      rmSync(path);
      assertStringIncludes((await assertRejects(read, NotFoundError)).message, path);
    });
  });
  it("finds out that a manifest or a config is corrupt", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const image = await textImage("one");
      const { digest } = await layout.appendImage(image);
      const config = blobPath(folder, await image.configName());
      const text = readFileSync(config, "utf8");
      writeFileSync(config, text.replace("amd64", "arm64"));
      await assertRejects(async () => await (await layout.image()).configFile(), DigestMismatchError);
      const manifest = blobPath(folder, digest);
      writeFileSync(manifest, readFileSync(manifest, "utf8").replace("schemaVersion", "schemaVersiom"));
      await assertRejects(async () => await (await layout.image()).manifest(), DigestMismatchError);
      truncateSync(manifest, 10);
      await assertRejects(async () => await (await layout.image()).manifest(), SizeMismatchError);
    });
  });
  it("does not follow a blob that is a symbolic link (rule 9)", async () => {
    await withHello(async (layout, path) => {
      renameSync(path, `${path}.elsewhere`);
      symlinkSync(`${path}.elsewhere`, path);
      const error = await assertRejects(() => layout.blob(HELLO), LayoutError);
      assertStringIncludes(error.message, "is not a regular file but a symbolic link");
      assertEquals(await layout.hasBlob(HELLO), false);
    });
  });
  it("does not read a blob that is a directory or a fifo", async () => {
    await withHello(async (layout, path) => {
      rmSync(path);
      mkdirSync(path);
      await assertRejects(() => layout.blob(HELLO), LayoutError, "but a directory");
      rmSync(path, { recursive: true });
      execFileSync("mkfifo", [path]);
      await assertRejects(() => layout.blob(HELLO), LayoutError, "but a fifo");
    });
  });
  it("notices a blob that is exchanged while it is being opened (rule 9)", async () => {
    const exchange = async (swap: (path: string) => void) => {
      await withHello(async (layout, path) => {
        const open = (real: (...args: never[]) => unknown) => (...args: unknown[]) => {
          swap(path);
          return real(...args as never[]);
        };
        await withOpen(open as never, async () => {
          await assertRejects(() => layout.blob(HELLO), LayoutError, "was exchanged while it was being opened");
        });
      });
    };
    await exchange((path) => {
      writeFileSync(`${path}.new`, "hello");
      renameSync(`${path}.new`, path);
    });
    await exchange((path) => {
      renameSync(path, `${path}.old`);
      symlinkSync(`${path}.old`, path);
    });
  });
  it("does not take a path for a digest", async () => {
    await withHello(async (layout) => {
      for (const digest of ["sha256:../../index.json", "../:oci-layout", "sha256:"]) {
        await assertRejects(() => layout.blob(digest as Hash), HashError);
      }
    });
  });
  it("says which file can't be read", async () => {
    await withHello(async (layout, path) => {
      const open = () => () => {
        throw Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
      };
      const error = await withOpen(open, () => assertRejects(() => layout.blob(HELLO), FileError));
      assertEquals(error.errno, "EACCES");
      assertStringIncludes(error.message, path);
      assertInstanceOf(error, GcraneError);
    });
  });
  it("ends the read of a blob that is aborted", async () => {
    await withHello(async (layout) => {
      const reason = new Error("enough");
      const stream = await layout.blob(HELLO, { signal: AbortSignal.abort(reason) }).catch((error) => error);
      const error = stream instanceof ReadableStream ? await assertRejects(() => collect(stream)) : stream;
      assertEquals(error, reason);
    });
  });
});
