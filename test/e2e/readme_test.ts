import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { contentOf, fill, pushWith } from "../gcr/copy_world.ts";
import { gcraneCommand, withFolder } from "./gcrane_process.ts";
import { withRegistryProcess } from "./registry_process.ts";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** The blocks of commands that the README says are tested. */
function shellBlocks(): string[] {
  return [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1]);
}

describe("README: what people do most", () => {
  it("every block runs as it stands, on two registries", { timeout: 120_000 }, async () => {
    const blocks = shellBlocks();
    assertEquals(blocks.length, 10);
    await withFolder(async (folder) => {
      mkdirSync(join(folder, "site"));
      writeFileSync(join(folder, "site", "index.html"), "<h1>hello</h1>\n");
      mkdirSync(join(folder, "config", "etc"), { recursive: true });
      writeFileSync(join(folder, "config", "etc", "site.conf"), "port = 80\n");
      await withRegistryProcess(async (registry) =>
        await withRegistryProcess((mirror) => {
          const outputs = blocks.map((block) => {
            const lines = block.replaceAll("registry.example.com", registry).replaceAll("mirror.example.com", mirror);
            const script = `set -euo pipefail\ngcrane() { ${gcraneCommand} "$@"; }\n${lines}`;
            const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: folder, encoding: "utf8" });
            assertEquals(status, 0, `${block}\n${stderr}`);
            assertEquals(stderr, "", block);
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
        })
      );
    });
  });
});

describe("README: mirror a registry", () => {
  it("every line runs, on two registries", { timeout: 120_000 }, async () => {
    const section = /^## Mirror a registry\n(.*?)^## /ms.exec(readme)![1];
    const lines = /^```console\n(.*?)^```$/ms.exec(section)![1].trimEnd().split("\n");
    assertEquals(lines.length, 7);
    await withFolder(async (folder) => {
      await withRegistryProcess(async (registry) =>
        await withRegistryProcess(async (mirror) => {
          await fill((reference, view) => pushWith(fetch, reference, view), registry);
          for (const line of lines) {
            const filled = line.replaceAll("registry.example.com", registry).replaceAll("mirror.example.com", mirror);
            const script = `set -euo pipefail\ngcrane() { ${gcraneCommand} "$@"; }\n${filled}`;
            const { status, stderr } = spawnSync("bash", ["-c", script], { cwd: folder, encoding: "utf8" });
            assertEquals(status, 0, `${line}\n${stderr}`);
          }
          const [source, target] = [await contentOf(registry), await contentOf(mirror)];
          for (const name of Object.keys(source)) assertEquals(target[name], source[name]);
          assertEquals(Object.keys(target).includes("small/web/multi"), true);
        })
      );
    });
  });
});
