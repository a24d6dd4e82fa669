import { parseRange } from "@std/semver";
import { LockError } from "../../errors.ts";
import type { Lock } from "../locked_package.ts";
import { type Fields, rangesOf } from "./fields.ts";

/** The commands that write the lock anew. */
const COMMANDS: Readonly<Record<Lock["manager"], string>> = {
  npm: "npm install",
  pnpm: "pnpm install",
  yarn: "yarn install",
  bun: "bun install",
  deno: "deno install",
};

/**
 * Checks that a lock was made for a package.json or a deno.json: the production dependencies have the same ranges in
 * both.
 *
 * @param project the folder of the package.json: `""` for the root, else a workspace's
 * @throws {LockError} which names the first dependency that differs, and the command to run.
 */
export function checkLock(lock: Lock, packageJson: Fields, project = ""): void {
  const { file, manager } = lock;
  const path = project === "" ? "package.json" : `${project}/package.json`;
  const fail = (text: string) =>
    new LockError(`${file} does not fit ${path}: ${text}`, {
      hint: `run "${COMMANDS[manager]}", and commit ${file}`,
    });
  const requested = lock.requested.get(project);
  if (requested === undefined) throw fail("the lock does not have this project");
  const wanted = new Map([
    ...importedRanges(packageJson),
    ...rangesOf(packageJson, "dependencies"),
    ...rangesOf(packageJson, "optionalDependencies"),
  ]);
  for (const [name, range] of wanted) {
    const locked = requested.get(name);
    if (locked === undefined) throw fail(`the lock has no ${name}@${range}`);
    if (locked !== range && !(manager === "deno" && isSameRange(locked, range))) {
      throw fail(`it asks for ${name}@${range}, and the lock has ${name}@${locked}`);
    }
  }
  // What deno.lock has is of deno.json and of package.json together.
  if (manager === "deno") return;
  const peers = rangesOf(packageJson, "peerDependencies");
  for (const [name, range] of requested) {
    if (!wanted.has(name) && !peers.has(name)) throw fail(`the lock has ${name}@${range}, which it does not ask for`);
  }
}

/** Returns the ranges of packages that the `imports` of a deno.json name. */
function importedRanges(denoJson: Fields): ReadonlyMap<string, string> {
  const values = [...rangesOf(denoJson, "imports").values()];
  const parts = values.map((value) => /^(?:npm|jsr):\/?((?:@[^/@]+\/)?[^/@]+)(?:@([^/]*))?/.exec(value));
  return new Map(parts.filter((each) => each !== null).map(([, name, range = ""]) => [name, range]));
}

/** Returns whether two ranges mean the same: Deno shortens them in its lock. */
function isSameRange(locked: string, range: string): boolean {
  const clean = (text: string) => text.replace(/^(?:npm|jsr):(?:(?:@[^/@]+\/)?[^/@]+@)?/, "");
  try {
    const [a, b] = [locked, range].map((text) => JSON.stringify(parseRange(clean(text) || "*")));
    return a === b;
  } catch {
    return clean(locked) === clean(range);
  }
}
