import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { programWords } from "./processes.ts";

/** The entry of the command line. */
export const mainFile = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** The words that run the command line on the runtime that runs the tests. */
export const gcraneWords: readonly string[] = programWords(mainFile);

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
