import { after, describe, it } from "node:test";
import { assertEquals, assertNotMatch } from "@std/assert";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { exportedModules } from "./exports.ts";
import { importsOf } from "./imports.ts";
import { top } from "./tree.ts";

const run = promisify(execFile);

/** Bundles a module for the browser with the tool of the runtime that the tests run on. */
async function bundle(path: string, output: string): Promise<void> {
  const args = "Deno" in globalThis
    ? ["bundle", "--quiet", "--frozen", "--platform=browser", "--output", output, path]
    // Bun would replace node: modules by browser versions of them, which hides that they are imported.
    : ["build", "--target=browser", "--external=node:*", "--outfile", output, path];
  await run(process.execPath, args, { cwd: top });
}

describe("bundled for the browser", () => {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_bundle_"));
  after(() => rmSync(folder, { recursive: true }));

  // The command line is for Deno, Bun and Node.
  for (const { name, path } of exportedModules().filter(({ path }) => !path.startsWith("cli/"))) {
    it(`${name} imports nothing that a browser lacks, and loads`, { timeout: 60_000 }, async () => {
      const output = join(folder, `${name.replaceAll(/\W/g, "_")}.js`);
      await bundle(path, output);
      const code = readFileSync(output, "utf8");
      assertEquals(importsOf(code).map(({ specifier }) => specifier), []);
      assertNotMatch(code, /require\(["']/);
      const original = await import(name);
      const bundled = await import(pathToFileURL(output).href);
      assertEquals(Object.keys(bundled).sort(), Object.keys(original).sort());
    });
  }
});
