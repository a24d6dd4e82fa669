import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pathOf } from "./available.ts";

const run = promisify(execFile);
const top = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Bundles a module of the checkout for the web with the tool of the runtime that the tests run on, or with Deno on
 * Node.js, which has none: into a file, or in parts into a folder.
 */
export async function bundleForWeb(path: string, output: { file: string } | { folder: string }): Promise<void> {
  if ("Bun" in globalThis) {
    const into = "file" in output ? ["--outfile", output.file] : ["--splitting", "--outdir", output.folder];
    // Bun would replace node: modules by browser versions of them, which hides that they are imported.
    await run(process.execPath, ["build", "--target=browser", "--external=node:*", ...into, path], { cwd: top });
  } else {
    const deno = "Deno" in globalThis ? process.execPath : pathOf("deno");
    const into = "file" in output ? ["--output", output.file] : ["--code-splitting", "--outdir", output.folder];
    await run(deno, ["bundle", "--quiet", "--frozen", "--platform=browser", ...into, path], { cwd: top });
  }
}
