// The GitHub action: puts gcrane, which lies beside it, on PATH, and signs in. The runner runs the same file again after
// the job, which then signs out.

import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const { env } = process;
const program = fileURLToPath(new URL("gcrane.js", import.meta.url));
const input = (name: string) => (env[`INPUT_${name.toUpperCase()}`] ?? "").trim();

/** Appends a line to the file that a variable of the runner names. */
function report(variable: string, line: string): void {
  const file = env[variable];
  if (!file) throw new Error(`${variable} is not set: this program is started by a runner of GitHub Actions`);
  appendFileSync(file, `${line}\n`);
}

/** Runs gcrane, and returns what it prints. */
function gcrane(args: readonly string[], stdin = ""): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    input: stdin,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr.trim().replace(/^Error: /, "") || `gcrane ${args[0]} exited ${status}`);
  process.stderr.write(stderr);
  return stdout.trim();
}

/** Writes programs named gcrane, for sh and for Windows, into a folder of the job, which comes on PATH. */
function putOnPath(): void {
  const folder = join(env.RUNNER_TEMP ?? ".", "gcrane");
  mkdirSync(folder, { recursive: true });
  const quoted = [process.execPath, program].map((path) => `'${path.replaceAll("'", `'\\''`)}'`).join(" ");
  writeFileSync(join(folder, "gcrane"), `#!/bin/sh\nexec ${quoted} "$@"\n`, { mode: 0o755 });
  writeFileSync(join(folder, "gcrane.cmd"), `@"${process.execPath}" "${program}" %*\r\n`);
  report("GITHUB_PATH", folder);
}

/** Signs in, and remembers the registry for the end of the job. */
function signIn(registry: string): void {
  gcrane(
    ["auth", "login", registry, "--username", input("username") || "unset", "--password-stdin"],
    input("password"),
  );
  report("GITHUB_STATE", `registry=${registry}`);
}

try {
  if (env.STATE_isPost) {
    if (env.STATE_registry) gcrane(["auth", "logout", env.STATE_registry]);
  } else {
    report("GITHUB_STATE", "isPost=true");
    putOnPath();
    report("GITHUB_OUTPUT", `version=${gcrane(["version"])}`);
    if (input("registry") !== "" && input("password") !== "") signIn(input("registry"));
  }
} catch (error) {
  // A line that the runner shows as the reason of the failure; it ends at the first line break.
  console.log(`::error::${(error as Error).message.replaceAll("%", "%25").replaceAll("\n", "%0A")}`);
  process.exitCode = 1;
}
