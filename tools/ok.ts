// Runs what a contributor runs before a commit: deno fmt, the checks, and on Deno and Bun the tests of changed rooms.
//
//   deno task ok [FOLDER...]      with the tests in these folders instead

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const top = join(import.meta.dirname!, "..");

/** Returns the folders of the tests of changed files: those of the room, or of the test itself. */
export function testFolders(changed: readonly string[]): string[] {
  const folders = changed.flatMap((path) => {
    const [, folder] = /^(?:src|test)\/([^/]+)\//.exec(path) ?? /^(cli|gcr)\//.exec(path) ?? [];
    if (folder !== undefined) return [`test/${folder}`];
    return /^(README\.md|docs\/.*)$/.test(path) ? ["test/e2e/readme_test.ts", "test/e2e/guides_test.ts"] : [];
  });
  return [...new Set(folders)].sort();
}

/** Lists the files that differ from the last commit, also new ones. */
function changedFiles(): string[] {
  const list = (...args: string[]) => spawnSync("git", args, { cwd: top, encoding: "utf8" }).stdout.split("\n");
  const files = [...list("diff", "--name-only", "HEAD"), ...list("ls-files", "--others", "--exclude-standard")];
  return files.filter((path) => path !== "");
}

/** Runs Deno, and ends this program if it fails. */
function deno(...args: string[]): void {
  console.log(`\n$ deno ${args.join(" ")}`);
  const { status } = spawnSync(Deno.execPath(), args, { cwd: top, stdio: "inherit" });
  if (status !== 0) Deno.exit(status ?? 1);
}

if (import.meta.main) {
  const folders = Deno.args.length > 0 ? Deno.args : testFolders(changedFiles());
  const present = folders.filter((path) => existsSync(join(top, path)) && path !== "test/project");
  deno("fmt");
  deno("run", "-A", "test/run.ts", "--check");
  if (present.length > 0) deno("run", "-A", "test/run.ts", "--deno", "--bun", ...present);
}
