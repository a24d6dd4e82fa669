// A copy of the sources in which a package or an executable of any version is made.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configFiles } from "./configs.ts";

/** What packages and executables are made of, from a checkout. */
const SOURCES = [
  ...["deno.json", "deno.lock", "jsr.json", "package.json", "bun.lock", "tsconfig.json", "README.md", "LICENSE"],
  ...["mod.ts", "src", "gcr", "cli", "test/types"],
];

/** Copies the sources of a checkout to a temporary folder, sets the version there, and removes it after the work. */
export async function withStage<T>(top: string, version: string, work: (stage: string) => Promise<T>): Promise<T> {
  const stage = mkdtempSync(join(tmpdir(), "gcrane_release_"));
  try {
    for (const path of SOURCES) cpSync(join(top, path), join(stage, path), { recursive: true });
    const deno = { ...JSON.parse(readFileSync(join(top, "deno.json"), "utf8")), version };
    writeFileSync(join(stage, "deno.json"), JSON.stringify(deno));
    for (const [path, text] of configFiles(stage)) writeFileSync(join(stage, path), text);
    return await work(stage);
  } finally {
    rmSync(stage, { recursive: true });
  }
}
