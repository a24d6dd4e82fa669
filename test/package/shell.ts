// Lines of shell in which `node`, and so npm and npx, is a chosen Node.js.
import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { pathOf, type Peer } from "../peers/mod.ts";

const run = promisify(execFile);

/** Returns the environment in which `node` is this Node.js; a folder gets a link to it. */
export function withNode(peer: Peer, folder: string): NodeJS.ProcessEnv {
  const programs = join(folder, ".programs");
  mkdirSync(programs);
  symlinkSync(pathOf(peer), join(programs, "node"));
  return { ...process.env, PATH: [programs, process.env.PATH].join(delimiter) };
}

/** Runs lines of shell in a folder, and returns what they print. */
export async function inShell(lines: string, options: { cwd: string; env?: NodeJS.ProcessEnv }): Promise<string> {
  return (await run("bash", ["-c", `set -euo pipefail\n${lines}`], { timeout: 100_000, ...options })).stdout;
}
