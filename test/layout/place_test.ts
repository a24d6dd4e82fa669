import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { LayoutError } from "../../src/errors.ts";
import { createLayout } from "../../src/layout/mod.ts";
import { blobPath, inFolder } from "../make/folders.ts";
import { collect } from "../make/streams.ts";
import { textImage } from "../make/images.ts";

describe("a layer of a layout", () => {
  it("lies in a file, and is read from any byte of it", () =>
    inFolder(async (folder) => {
      const layout = await createLayout(folder);
      const image = await textImage("one");
      await layout.appendImage(image);
      const [{ content }] = await (await layout.image()).layers();
      const [layer] = await image.layers();
      const bytes = await collect(await layer.compressed());
      const { place } = content;
      assert(place?.kind === "file");
      assertEquals([place.offset, place.length], [0, bytes.length]);
      assertEquals(await collect((await place.open()).stream({ closeWhenDone: true })), bytes);
      assertEquals(await collect(await content.open({ offset: 7 })), bytes.slice(7));
    }));

  it("is not opened where it is a symbolic link (rule 9)", () =>
    inFolder(async (folder) => {
      const layout = await createLayout(join(folder, "layout"));
      const image = await textImage("one");
      await layout.appendImage(image);
      const [layer] = await (await layout.image()).layers();
      const path = blobPath(layout.path, await layer.digest());
      renameSync(path, join(folder, "elsewhere"));
      symlinkSync(join(folder, "elsewhere"), path);
      const { place } = layer.content;
      assert(place?.kind === "file");
      await assertRejects(() => place.open(), LayoutError, "is not a regular file but a symbolic link");
    }));
});
