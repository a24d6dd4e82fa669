import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { mkdirSync, readdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LayoutError } from "../../src/errors.ts";
import { digestBytes, streamOf } from "../../src/io/mod.ts";
import { createLayout, Layout } from "../../src/layout/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { inFolder } from "../make/folders.ts";
import { textImage } from "../make/images.ts";

const OTHER = utf8("other");

describe("a layout that is written", () => {
  it("refuses to write through a directory of blobs that leads out of the layout, or to remove there", async () => {
    for (const name of ["blobs", "blobs/sha256"]) {
      await inFolder(async (folder) => {
        const [outside, path] = [join(folder, "outside"), join(folder, "layout")];
        const layout = await createLayout(path);
        const descriptor = await layout.appendImage(await textImage("one"));
        await layout.removeDescriptors(() => true);
        renameSync(join(path, name), outside);
        symlinkSync(outside, join(path, name));
        const digest = await digestBytes(OTHER);
        const before = readdirSync(outside, { recursive: true }).sort();
        const image = await textImage("two");
        for (
          const change of [
            () => layout.appendImage(image),
            () => layout.garbageCollect(),
            () => createLayout(path),
            () => new Layout(path).writeBlob(digest, streamOf(OTHER)),
          ]
        ) {
          await assertRejects(change, LayoutError, "leads out of the layout");
        }
        assertEquals(readdirSync(outside, { recursive: true }).sort(), before);
        assert(await layout.hasBlob(descriptor.digest));
      });
    }
  });

  it("writes through a link that stays in the layout", async () => {
    await inFolder(async (folder) => {
      mkdirSync(join(folder, "shared"));
      mkdirSync(join(folder, "blobs"));
      symlinkSync("../shared", join(folder, "blobs", "sha256"));
      const { digest } = await (await createLayout(folder)).appendImage(await textImage("one"));
      assert(readdirSync(join(folder, "shared")).includes(digest.slice(7)));
    });
  });

  it("removes what a killed program left, but not what another one is writing", async () => {
    await inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const blobs = join(folder, "blobs", "sha256");
      const [old, fresh] = [".incoming.01234567-89ab.tmp", ".incoming.01234567-89ac.tmp"];
      for (const name of [old, fresh]) writeFileSync(join(blobs, name), "part");
      utimesSync(join(blobs, old), new Date(), new Date(Date.now() - 2 * 60 * 60 * 1000));
      await layout.appendImage(await textImage("one"));
      const left = readdirSync(blobs);
      assertEquals([left.includes(old), left.includes(fresh)], [false, true]);
    });
  });
});
