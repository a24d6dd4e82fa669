// Lists the packages of deno.json and of site/package.json of which npm's registry has a newer version, as Markdown.
// Exits with 1 if there is one.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { BUN_VERSION } from "./bun.ts";

const run = promisify(execFile);
const top = join(import.meta.dirname!, "..");

/** Returns the packages that the project names, each with its version. */
function named(): Map<string, string> {
  const read = (path: string) => JSON.parse(readFileSync(join(top, path), "utf8"));
  const site: Record<string, string> = read("site/package.json").devDependencies;
  return new Map([...Object.entries<string>(read("package.json").dependencies), ...Object.entries(site), [
    "bun",
    BUN_VERSION,
  ]]);
}

const rows: string[] = [];
for (const [name, version] of named()) {
  const { stdout } = await run("npm", ["view", name, "version"], { shell: process.platform === "win32" });
  const newest = stdout.trim();
  if (newest !== version) rows.push(`| ${name} | ${version} | ${newest} |`);
}
if (rows.length > 0) {
  console.log(["| Package | Here | Newest |", "| --- | --- | --- |", ...rows].join("\n"));
  process.exit(1);
}
