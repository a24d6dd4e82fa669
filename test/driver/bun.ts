// Finds Bun, on PATH or through npm.

import { BUN_VERSION } from "../../tools/bun.ts";

/** Gives the path of Bun: the one on PATH if its version is ours, else npm's, which npx downloads once. */
export async function findBun(): Promise<string> {
  if (await output("bun", ["--version"]).catch(() => "") === BUN_VERSION) return "bun";
  return await output("npx", ["--yes", "--quiet", `bun@${BUN_VERSION}`, "-p", "process.execPath"]);
}

/** Installs the dependencies of package.json from the lock. */
export async function installForBun(bun: string): Promise<void> {
  await output(bun, ["install", "--frozen-lockfile", "--silent"]);
}

/** The standard output of a command that is quiet unless it fails. */
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
