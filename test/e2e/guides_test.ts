import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { crane, source } from "../../mod.ts";
import { contentOf, fill, pushWith } from "../make/copy_world.ts";
import { emptyImage, emptyIndex } from "../../src/image/mod.ts";
import { appendManifests } from "../../src/mutate/mod.ts";
import { writeFiles } from "../make/app_folder.ts";
import { withFolder } from "../make/gcrane_process.ts";
import { withRegistryProcess } from "../make/registry_process.ts";
import { once } from "../project/applicable.ts";
import { top } from "../project/tree.ts";
import { FLEET, setStage } from "./cookbook_stage.ts";
import { blockRunner, blocksOf, sectionOf, withTwoRegistries, writeSite } from "./document_blocks.ts";

it("no other page has blocks that look as if they were tested", () => {
  const pages = readdirSync(`${top}docs`).filter((name) => name.endsWith(".md"));
  assertEquals(pages.filter((name) => blocksOf(sectionOf(`docs/${name}`), "sh").length > 0), ["cookbook.md"]);
  const tested = ["Common tasks", "Recipes"].flatMap((name) => blocksOf(sectionOf("docs/cookbook.md", name), "sh"));
  assertEquals(blocksOf(sectionOf("docs/cookbook.md"), "sh").length, tested.length);
});

describe("the cookbook: common tasks", () => {
  it("every block runs as it stands, on two registries", { timeout: 120_000 }, async () => {
    const blocks = blocksOf(sectionOf("docs/cookbook.md", "Common tasks"), "sh");
    assertEquals(blocks.length, 10);
    await withTwoRegistries(({ folder, registry, run }) => {
      writeSite(folder);
      const outputs = blocks.map((block) => {
        const { stdout, stderr } = run(block);
        assertMatch(
          stderr,
          block.includes("copy -a") ? /^copied \d+ tags?, \d+ tags? (?:was|were) there already\n$/ : /^$/,
          block,
        );
        return stdout;
      });
      assertStringIncludes(outputs[0], `${registry}/site@sha256:`);
      assertStringIncludes(outputs[1], `${registry}/site:v2\n`);
      assert(outputs[2].startsWith(`${registry}/site@sha256:`));
      assertEquals(JSON.parse(outputs[3].slice(0, outputs[3].indexOf("}{") + 1)).schemaVersion, 2);
      assertEquals([outputs[4], outputs[5], outputs[6]], ["", "", ""]);
      assertEquals(outputs[7].split("@")[1].split("\n")[0].length, "sha256:".length + 64);
      assertEquals(outputs[8], "<h1>hello</h1>\n");
      assertEquals(outputs[9].split("\n").filter((line) => line.startsWith("PASS: ")).length, 3);
    });
  });
});

describe("the guide to mirrors", () => {
  it("every line runs, on two registries", { timeout: 120_000 }, async () => {
    const lines = blocksOf(sectionOf("docs/mirror.md"), "console")[0].trimEnd().split("\n");
    assertEquals(lines.length, 7);
    await withTwoRegistries(async ({ registry, mirror, run }) => {
      await fill((reference, view) => pushWith(fetch, reference, view), registry);
      lines.forEach(run);
      const [source, target] = [await contentOf(registry), await contentOf(mirror)];
      for (const name of Object.keys(source)) assertEquals(target[name], source[name]);
      assertEquals(Object.keys(target).includes("small/web/multi"), true);
    });
  });
});

describe("the guide to builds", () => {
  it("every line runs", { timeout: 300_000, skip: once() }, async () => {
    const linesOf = (heading?: string) =>
      blocksOf(sectionOf("docs/build.md", heading), "console").flatMap((block) => block.trimEnd().split("\n"));
    // Those run on real apps, in built_apps_test.ts.
    const elsewhere = linesOf("Frameworks and workspaces");
    const lines = linesOf().filter((line) => !elsewhere.includes(line));
    assertEquals(lines.length, 10);
    const node = { "package.json": { name: "api", main: "server.js" }, "server.js": "export {};\n" };
    await withFolder(async (folder) => {
      writeFiles(join(folder, "api"), node);
      writeFiles(join(folder, "bun-app"), { "package.json": { scripts: { start: "bun server.ts" } }, "server.ts": "" });
      writeFiles(join(folder, "deno-app"), { "deno.json": { tasks: { start: "deno run main.ts" } }, "main.ts": "" });
      writeFiles(join(folder, ".output"), { "server/index.mjs": "" });
      writeFiles(join(folder, "k8s"), { "api.yaml": "image: gcrane://./api # the api\n" });
      await withRegistryProcess(async (registry) => {
        const platforms = ["linux/amd64", "linux/arm64"].map((platform) => emptyImage({ platform }));
        const base = appendManifests(emptyIndex(), platforms);
        for (const name of ["node:24", "bun:1", "deno:2"]) await crane.push(base, `${registry}/${name}`);
        const run = blockRunner(folder, { "registry.example.com": registry });
        const outputs = lines.map((line) => run(`export HOME=$PWD\n${line}`).stdout);
        assertStringIncludes(outputs[5], "application/spdx+json");
        const digest = await crane.digest(`${registry}/team/api:latest`);
        assertEquals(outputs.at(-1), `image: ${registry}/team/api@${digest} # the api\n`);
        const { config } = await crane.configFile(`${registry}/deno-app:v1`);
        assertEquals(config?.Entrypoint?.slice(0, 2), ["deno", "run"]);
      });
    });
  });
});

describe("the cookbook: recipes", () => {
  const names = ["rebase", "label", "strip", "distroless", "shrink"] as const;

  /** Runs one recipe on a stage of its own. */
  const recipe = async (name: typeof names[number], check: (registry: string, output: string) => Promise<void>) => {
    const blocks = blocksOf(sectionOf("docs/cookbook.md", "Recipes"), "sh");
    assertEquals(blocks.length, names.length);
    await withFolder(async (folder) => {
      mkdirSync(join(folder, "build"));
      writeFileSync(join(folder, "build", "hello"), "#!/hello\n");
      await withRegistryProcess(async (registry) => {
        await setStage(registry);
        const run = blockRunner(folder, { "registry.example.com": registry });
        const { stdout, stderr } = run(blocks[names.indexOf(name)]);
        assertEquals(stderr, "");
        await check(registry, stdout);
      });
    });
  };

  it("a hundred images get a patched base", { timeout: 120_000 }, () =>
    recipe("rebase", async (registry, output) => {
      assertEquals(output.trimEnd().split("\n").length, FLEET);
      const [patched] = (await crane.configFile(`${registry}/base:v2`)).rootfs.diff_ids;
      for (let number = 0; number < FLEET; number++) {
        const name = `${registry}/fleet/app${number}:v1`;
        const { rootfs, config } = await crane.configFile(name);
        assertEquals([rootfs.diff_ids.length, rootfs.diff_ids[0]], [2, patched], name);
        assertEquals(config?.Cmd, [`/app/${number}`]);
        assertStringIncludes(output, `@${await crane.digest(name)}\n`);
      }
      await crane.validate(`${registry}/fleet/app7:v1`);
      // What the result remembers is enough for the next time.
      await crane.rebase(`${registry}/fleet/app7:v1`);
    }));

  it("a label is everywhere", { timeout: 60_000 }, () =>
    recipe("label", async (registry, output) => {
      assertEquals(output.trimEnd().split("\n").length, 2);
      for (const [tag, count] of [["v1", 3], ["v2", 2]] as const) {
        const index = await source.open(`${registry}/multi:${tag}`);
        assert(index.kind === "index");
        const children = await index.children();
        assertEquals(children.length, count);
        for (const { view } of children) {
          assertEquals(view.kind === "image" && (await view.configFile()).config?.Labels, { team: "web" });
        }
      }
    }));

  it(
    "an index is stripped to one platform, and to two",
    { timeout: 60_000 },
    () =>
      recipe("strip", async (registry) => {
        assertEquals((await crane.configFile(`${registry}/single:v1`)).architecture, "arm64");
        assertEquals((await source.open(`${registry}/single:v1`)).kind, "image");
        const small = await crane.indexMembers(`${registry}/multi:small`);
        assertEquals(small.map(({ platform }) => platform?.architecture), ["amd64", "arm64"]);
      }),
  );

  it("a directory is on top of distroless", { timeout: 60_000 }, () =>
    recipe("distroless", async (registry) => {
      const { config, rootfs } = await crane.configFile(`${registry}/hello:v1`);
      assertEquals([config?.Entrypoint, config?.User, config?.WorkingDir], [["/app/hello"], "65532", "/"]);
      assertEquals(rootfs.diff_ids.length, 2);
      await crane.validate(`${registry}/hello:v1`);
    }));

  it(
    "an image is smaller, and its files are the same",
    { timeout: 60_000 },
    () =>
      recipe("shrink", async (registry, output) => {
        assertStringIncludes(output, "/var/cache/packages");
        assertStringIncludes(output, `${registry}/bloated@sha256:`);
        const [before, after] = await Promise.all(
          ["v1", "small"].map((tag) => crane.pull(`${registry}/bloated:${tag}`)),
        );
        assertEquals((await crane.diff(before, after)).files, []);
        const [, flattened] = output.split(`${registry}/bloated@`);
        assertEquals(flattened.includes("/var/cache/packages"), false);
        const stored = async (image: typeof before) =>
          (await image.manifest()).layers.reduce((sum, { size }) => sum + size, 0);
        assert(await stored(after) < await stored(before) / 2, `${await stored(after)} of ${await stored(before)}`);
        assertNotEquals(await before.digest(), await after.digest());
        await crane.validate(`${registry}/bloated:small`);
      }),
  );
});
