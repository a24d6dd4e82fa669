import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readJson } from "../project/tree.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Makes the single file of the command line; Bun has to run this. */
export function buildBinary(file: string): void {
  const { build } = readJson("package.json").scripts as { build: string };
  const words = build.replace("dist/gcrane", file).split(" ").slice(1);
  const { status, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`bun build fails: ${stderr}`);
}
