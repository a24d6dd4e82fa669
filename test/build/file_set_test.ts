import { assert, assertEquals } from "@std/assert";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { buildCache, buildImage, directoryFiles, type MemoryFile, memoryFiles } from "../../src/build/mod.ts";
import { emptyImage } from "../../src/image/mod.ts";
import { writeFiles } from "../make/app_folder.ts";
import { build, entriesOf, npmProject } from "../make/built_apps.ts";
import { inFolder } from "../make/folders.ts";
import { collect } from "../make/streams.ts";

const base = emptyImage({ platform: "linux/amd64" });

/** Returns a project with so many packages of some files each, in order of their names. */
function packagesOf(count: number): Record<string, MemoryFile> {
  const names = Array.from({ length: count }, (_, index) => `package-${`${index}`.padStart(3, "0")}`);
  return npmProject(Object.fromEntries(names.map((name) => [name, "1.0.0"])));
}

describe("the files of a build", () => {
  it("are not kept: they are listed again while their layer is written, a few packages ahead", async () => {
    const count = 100;
    const files = memoryFiles(packagesOf(count));
    const listed = new Set<string>();
    let written = new Set<string>();
    let most = 0;
    const packageOf = (path: string) => path.split("/")[1];
    const counting = {
      ...files,
      list: (folder: string) => {
        if (folder.includes("/")) listed.add(packageOf(folder));
        return files.list(folder);
      },
      read: (path: string) => {
        if (path.includes("/")) written.add(packageOf(path));
        most = Math.max(most, listed.size - written.size);
        return files.read(path);
      },
    };
    const { platforms: [{ layers }] } = await buildImage({ files: counting, base, layers: 1 });
    assertEquals(listed.size, count);
    listed.clear();
    [written, most] = [new Set(), 0];
    for (const { layer } of layers) await collect(await layer.uncompressed());
    assertEquals([listed.size, written.size], [count, count]);
    assert(most <= 16, `${most} packages were listed and not read`);
  });

  it("are in the order of their paths, also where packages lie in others and names go on after a folder's", async () => {
    const files = npmProject({ a: "1.0.0", "a-b": "1.0.0", "a.b": "1.0.0", b: "1.0.0" }, {
      "node_modules/a/lib/x.js": "1",
      "node_modules/a/lib.js": "2",
      "node_modules/a/lib-x/y.js": "3",
      "node_modules/a/z.js": "4",
    });
    const lock = JSON.parse(`${files["package-lock.json"]}`);
    lock.packages["node_modules/a"].dependencies = { c: "1.0.0" };
    lock.packages["node_modules/a/node_modules/c"] = { version: "1.0.0" };
    const nested = { name: "c", version: "1.0.0" };
    const { platforms: [{ layers }] } = await build({
      ...files,
      "package-lock.json": JSON.stringify(lock),
      "node_modules/a/node_modules/c/package.json": JSON.stringify(nested),
      "node_modules/a/node_modules/c/index.js": "5",
    }, { layers: 1 });
    const entries = await entriesOf(layers[0].layer);
    const paths = entries.map(({ path }) => path);
    assertEquals(paths, [...paths].sort());
    assertEquals(new Set(paths).size, paths.length);
    assertEquals(entries.filter(({ text }) => /^[1-5]$/.test(text)).map(({ path }) => path), [
      "app/node_modules/a/lib-x/y.js",
      "app/node_modules/a/lib.js",
      "app/node_modules/a/lib/x.js",
      "app/node_modules/a/node_modules/c/index.js",
      "app/node_modules/a/z.js",
    ]);
  });

  it("are read once for two builds with a cache, also with a link among them, and are sent from its files", () =>
    inFolder(async (folder) => {
      const app = join(folder, "app");
      writeFiles(app, { "package.json": { name: "app", main: "server.js" }, "server.js": "console.log(1);" });
      symlinkSync("server.js", join(app, "link.js"));
      const cache = buildCache(join(folder, "cache"));
      let kept = 0;
      const counting: typeof cache = { ...cache, keep: (...given) => (kept++, cache.keep(...given)) };
      const once = async () => await buildImage({ files: await directoryFiles(app), base, cache: counting });
      const first = await once();
      const second = await once();
      assertEquals(await second.view.digest(), await first.view.digest());
      assertEquals(kept, 1);
      const [{ layer }] = second.platforms[0].layers;
      assertEquals(layer.content.place?.kind, "file");
    }));
});
