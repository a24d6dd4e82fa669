import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { NotFoundError } from "../../src/errors.ts";
import { matchName, randomImage } from "../../src/image/mod.ts";
import { createLayout } from "../../src/layout/mod.ts";
import { appendLayers } from "../../src/mutate/mod.ts";
import { inFolder } from "../make/folders.ts";

const base = randomImage({ seed: 1, layers: 1, size: 100 });
const app = appendLayers(base, await randomImage({ seed: 2, layers: 1, size: 100 }).layers());

describe("Layout.remove", () => {
  it("removes entries with the blobs that they alone need, and no others", () =>
    inFolder(async (folder) => {
      const layout = await createLayout(folder);
      await layout.appendImage(base, { refName: "base" });
      await layout.appendImage(app, { refName: "app" });
      const loose = randomImage({ seed: 3, layers: 1, size: 100 });
      await layout.writeImage(loose);
      const { removed } = await layout.remove(matchName("app"));
      const [shared, own] = await app.layers();
      assertEquals(
        removed.toSorted(),
        [await app.digest(), await app.configName(), await own.digest()].toSorted(),
      );
      assertEquals((await layout.index().manifest()).manifests.map(({ digest }) => digest), [await base.digest()]);
      for (const digest of [await shared.digest(), await loose.digest()]) {
        assertEquals(await layout.hasBlob(digest), true);
      }
      assertEquals((await layout.remove(matchName("none"))).removed, []);
    }));

  it("keeps the blobs of an entry that another one has too", () =>
    inFolder(async (folder) => {
      const layout = await createLayout(folder);
      await layout.appendImage(base, { refName: "one" });
      await layout.appendImage(base, { refName: "two" });
      assertEquals((await layout.remove(matchName("one"))).removed, []);
      await (await layout.image()).layers();
    }));
});

describe("Layout.removeBlob", () => {
  it("removes a blob", () =>
    inFolder(async (folder) => {
      const layout = await createLayout(folder);
      await layout.writeImage(base);
      const digest = await base.digest();
      await layout.removeBlob(digest);
      assertEquals(await layout.hasBlob(digest), false);
      await layout.removeBlob(digest);
      await assertRejects(() => layout.blob(digest), NotFoundError);
    }));
});
