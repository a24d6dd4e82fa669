import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { pathOf } from "../peers/mod.ts";
import { readJson, top } from "../project/tree.ts";
import type { Released } from "./tools.ts";

/** Installs what is missing where Debian's packages are to be had. */
export function install(...names: readonly string[]): void {
  const missing = names.filter((name) => spawnSync("which", [name]).status !== 0);
  if (missing.length === 0) return;
  console.log(`installing ${missing.join(" and ")} with apt-get`);
  const script = `apt-get update -q && apt-get install -qy --no-install-recommends ${missing.join(" ")}`;
  const { status, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(`can't install ${missing.join(" and ")}: ${stderr}`);
}

/** Makes the split bundle and the executable in a folder. */
export function release(folder: string): Released {
  const bundle = join(folder, "bundle");
  const binary = join(folder, "gcrane");
  const options = { cwd: top, stdio: ["ignore", "ignore", "inherit"] as ("ignore" | "inherit")[] };
  const split = ["--quiet", "--frozen", "--code-splitting", "--minify", "--platform=deno", `--outdir=${bundle}`];
  execFileSync(process.execPath, ["bundle", ...split, "cli/main.ts"], options);
  const { build } = readJson("package.json").scripts as { build: string };
  const [, ...words] = build.replace("dist/gcrane", binary).split(" ");
  execFileSync(pathOf("bun"), words, options);
  return { bundle: join(bundle, "main.js"), binary };
}
