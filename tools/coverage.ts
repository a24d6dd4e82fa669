// Runs tests on Deno and reports which lines of the package they run. Commands that tests start as processes of their
// own count too.
//
//   deno task coverage [FOLDER...]      writes coverage/profile/html/index.html

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

const top = join(import.meta.dirname!, "..");
const folder = join(top, "coverage");

/** Runs Deno, and returns its exit code. */
function deno(args: readonly string[], env: Record<string, string> = {}): number {
  return spawnSync(Deno.execPath(), args, { cwd: top, stdio: "inherit", env: { ...Deno.env.toObject(), ...env } })
    .status ?? 1;
}

rmSync(folder, { recursive: true, force: true });
const folders = Deno.args.length > 0 ? Deno.args : ["test"];
const profile = join(folder, "profile");
const tested = deno(["test", "-A", "--no-check", "--frozen", "--quiet", `--coverage=${profile}`, ...folders], {
  DENO_COVERAGE_DIR: profile,
});
const files = ["--include=^file://.*/(src|gcr|cli)/", "--exclude=/test/"];
const reported = deno(["coverage", profile, ...files]) || deno(["coverage", "--html", profile, ...files]);
Deno.exit(tested || reported);
