// Makes the GitHub action in dist/action: action.yml, its program, and gcrane with all that it imports in one file.
//
//   deno task action

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { notices } from "../notices.ts";
import { withStage } from "../stage.ts";

const run = promisify(execFile);
const here = import.meta.dirname!;

/** Makes the action of a version in a new folder. */
export async function makeAction(top: string, version: string, folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const bundle = async (cwd: string, entry: string, output: string) =>
    await run(process.execPath, [
      ...["bundle", "--quiet", "--frozen", "--minify", "--keep-names", "--platform=browser"],
      ...["--external=node:*", `--output=${output}`, entry],
    ], { cwd });
  await withStage(top, version, async (stage) => {
    // Only Deno sets import.meta.main in a bundle for all runtimes, so the start is written out.
    writeFileSync(
      join(stage, "cli", "action.ts"),
      'import { main } from "./main.ts";\nimport { commandLineArguments, exit } from "../src/runtime/mod.ts";\n' +
        "exit(await main(commandLineArguments()));\n",
    );
    await bundle(stage, "cli/action.ts", join(folder, "gcrane.js"));
    await run("npm", ["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"], { cwd: stage });
    writeFileSync(join(folder, "THIRD_PARTY_NOTICES"), notices(stage, "action"));
  });
  await bundle(top, join(here, "main.ts"), join(folder, "main.js"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ private: true, type: "module" })}\n`);
  cpSync(join(here, "action.yml"), join(folder, "action.yml"));
  cpSync(join(top, "LICENSE"), join(folder, "LICENSE"));
}

if (import.meta.main) {
  const top = join(here, "..", "..");
  const { VERSION } = await import("../../src/version.ts");
  await makeAction(top, VERSION, join(top, "dist", "action"));
}
