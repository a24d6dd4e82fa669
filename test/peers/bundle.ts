import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const top = fileURLToPath(new URL("../../", import.meta.url));

/** Bundles a module of the checkout for the web, into one file, with the tool of the runtime that the tests run on. */
export async function bundleForWeb(path: string, output: string): Promise<void> {
  const args = "Deno" in globalThis
    ? ["bundle", "--quiet", "--frozen", "--platform=browser", "--output", output, path]
    // Bun would replace node: modules by browser versions of them, which hides that they are imported.
    : ["build", "--target=browser", "--external=node:*", "--outfile", output, path];
  await run(process.execPath, args, { cwd: top });
}
