import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The entry of the command line. */
export const mainFile = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** The words that run the command line on the runtime that runs the tests. */
export const gcraneWords: readonly string[] = "Deno" in globalThis
  ? [process.execPath, "run", "-A", "--no-check", "--quiet", mainFile]
  : [process.execPath, "run", mainFile];

/** The same as a line of shell. */
export const gcraneCommand = gcraneWords.map((word) => `'${word}'`).join(" ");

/** Runs work in a new folder, which is gone afterwards. */
export async function withFolder<T>(work: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane-e2e-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
