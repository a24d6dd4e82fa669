import { after, describe, it } from "node:test";
import { assertEquals, assertNotMatch } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleForWeb } from "../peers/mod.ts";
import { exportedModules } from "./exports.ts";
import { importsOf } from "./imports.ts";

describe("bundled for the browser", () => {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_bundle_"));
  after(() => rmSync(folder, { recursive: true }));

  // The command line is for Deno, Bun and Node.
  for (const { name, path } of exportedModules().filter(({ path }) => !path.startsWith("cli/"))) {
    it(`${name} imports nothing that a browser lacks, and loads`, { timeout: 60_000 }, async () => {
      const output = join(folder, `${name.replaceAll(/\W/g, "_")}.js`);
      await bundleForWeb(path, { file: output });
      const code = readFileSync(output, "utf8");
      assertEquals(importsOf(code).map(({ specifier }) => specifier), []);
      assertNotMatch(code, /require\(["']/);
      const original = await import(name);
      const bundled = await import(pathToFileURL(output).href);
      assertEquals(Object.keys(bundled).sort(), Object.keys(original).sort());
    });
  }
});

describe("bundled in parts", () => {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_parts_"));
  after(() => rmSync(folder, { recursive: true }));

  it("k8schain loads a cloud's code for that cloud's registries alone", { timeout: 60_000 }, async () => {
    await bundleForWeb("src/authn/k8schain/mod.ts", { folder });
    const first = partsOf(folder, "static");
    // Words of each part that is to wait: Google, AWS, Azure, YAML.
    const words = [/metadata-flavor/i, /AmazonEC2ContainerRegistry/, /oauth2\/exchange/, /tag:yaml\.org/];
    assertEquals(words.filter((word) => word.test(first)), []);
    const all = partsOf(folder, "static", "dynamic");
    assertEquals(words.filter((word) => !word.test(all)), []);
  });
});

/** The code that `mod.js` leads to by imports of some kinds, itself first. */
function partsOf(folder: string, ...kinds: ("static" | "dynamic")[]): string {
  const parts = new Map<string, string>();
  const visit = (name: string) => {
    if (parts.has(name)) return;
    const code = readFileSync(join(folder, name), "utf8");
    parts.set(name, code);
    for (const { specifier, kind } of importsOf(code)) {
      if (specifier?.startsWith("./") && kinds.some((it) => it === kind)) visit(specifier);
    }
  };
  visit("mod.js");
  return [...parts.values()].join("\n");
}
