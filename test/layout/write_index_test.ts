import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { validateIndex } from "../../src/image/mod.ts";
import { createLayout, openLayout, writeLayout } from "../../src/layout/mod.ts";
import { unbuiltIndex } from "../make/counted_layers.ts";
import { inFolder } from "../make/folders.ts";

describe("an index whose layers are not compressed yet, in a layout", () => {
  it("has each compressed once, when it is listed", async () => {
    await inFolder(async (folder) => {
      const { index, counted } = await unbuiltIndex();
      const layout = await createLayout(folder);
      const { digest } = await layout.appendIndex(index);
      assertEquals(counted.map(({ opened }) => opened), [1, 1, 1, 1]);
      await validateIndex(await (await openLayout(folder)).index().index(digest));
    });
  });

  it("has each compressed once, when it is the layout", async () => {
    await inFolder(async (folder) => {
      const { index, counted } = await unbuiltIndex();
      const layout = await writeLayout(join(folder, "layout"), index);
      assertEquals(counted.map(({ opened }) => opened), [1, 1, 1, 1]);
      await validateIndex(layout.index());
      assertEquals(await layout.index().rawManifest(), await index.rawManifest());
    });
  });
});
