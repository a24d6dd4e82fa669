// Finds the runtimes besides Deno that the suite runs on: as installed, or through npm.

import { BUN_VERSION } from "../../tools/bun.ts";

/** The major version of Node.js that the suite runs on, at least. */
export const NODE_MAJOR = 24;

/** Returns the path of Bun: the one on PATH if its version is ours, else npm's, which npx downloads once. */
export async function findBun(): Promise<string> {
  if (await output("bun", ["--version"]).catch(() => "") === BUN_VERSION) return "bun";
  return await output("npx", ["--yes", "--quiet", `bun@${BUN_VERSION}`, "-p", "process.execPath"]);
}

/**
 * Returns the path of Node.js: the one of `GCRANE_NODE` or of PATH if it is new enough, else npm's, which npx downloads
 * once.
 */
export async function findNode(): Promise<string> {
  for (const node of [Deno.env.get("GCRANE_NODE"), "node"]) {
    if (node === undefined) continue;
    const [major, path] = await output(node, ["-p", "parseInt(process.versions.node) + ' ' + process.execPath"])
      .then((line) => line.split(/ (.*)/), () => ["0", ""]);
    if (Number(major) >= NODE_MAJOR) return path;
  }
  return await output("npx", ["--yes", "--quiet", `node@${NODE_MAJOR}`, "-p", "process.execPath"]);
}

/** Installs the dependencies of package.json from the lock, for Bun and Node.js. */
export async function installPackages(bun: string): Promise<void> {
  await output(bun, ["install", "--frozen-lockfile", "--silent"]);
}

/** Returns the standard output of a command that is quiet unless it fails. */
async function output(command: string, args: readonly string[]): Promise<string> {
  const result = await new Deno.Command(command, {
    args: [...args],
    env: { npm_config_loglevel: "error", npm_config_update_notifier: "false" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!result.success) {
    throw new Error(`${command} ${args.join(" ")} exited ${result.code}: ${decoder.decode(result.stderr).trim()}`);
  }
  return decoder.decode(result.stdout).trim();
}
