// Runs the fuzzers at length, on one of the runtimes.
//
//   deno task fuzz                              10 minutes, half on archives and half on a registry's answers, on Deno
//   deno task fuzz --minutes 20 --only tar      20 minutes on archives alone
//   deno task fuzz --runtime node               on Node.js; also bun, and binary: the program that `bun run build` makes
//   deno task fuzz --seed 4711 --cases 1        the case 4711 again; --only names its fuzzer

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { pathOf } from "../peers/mod.ts";
import { standardModules } from "../project/standard_modules.ts";

const top = fileURLToPath(new URL("../../", import.meta.url));
const program = join(top, "test/fuzz/program.ts");

/** The heap, in MB: what is garbage is collected before the process has the memory that a case may not need. */
const HEAP = "--max-old-space-size=160";

/** The command of each runtime. The program itself is fuzzed by a registry's answers, from Deno. */
const COMMANDS: Readonly<Record<string, () => readonly string[]>> = {
  deno: () => [pathOf("deno"), "run", "-A", "--no-check", "--frozen", "--quiet", `--v8-flags=${HEAP}`, program],
  bun: () => [pathOf("bun"), "--smol", program],
  node: () => [pathOf("node 24"), HEAP, "--import", standardModules(), program],
  binary: () => [...COMMANDS.deno(), "--binary", builtProgram()],
};

function builtProgram(): string {
  const path = join(top, "dist/gcrane");
  if (!existsSync(path)) throw new Error(`${path} is missing: run bun install && bun run build`);
  return path;
}

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "deno" },
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    cases: { type: "string" },
    only: { type: "string" },
  },
});
const command = COMMANDS[values.runtime];
if (command === undefined) {
  throw new Error(`there is no runtime ${values.runtime}: ${Object.keys(COMMANDS).join(", ")}`);
}
const { runtime, seed = String(Date.now() % 1_000_000_000), only, minutes, cases } = values;
// Each in a process of its own, so that the memory of one does not count for the other.
const names = only === undefined ? runtime === "binary" ? ["registry"] : ["tar", "registry"] : [only];
const [executable, ...args] = command();
console.log(`${runtime}: seed ${seed}`);
const temporary = mkdtempSync(join(tmpdir(), "gcrane_fuzz_"));
let code = 0;
for (const name of names) {
  const words = ["--only", name, "--seed", seed, "--minutes", String(Number(minutes) / names.length)];
  const { status } = spawnSync(executable, [
    ...args,
    ...words,
    ...cases === undefined ? [] : ["--cases", cases],
    ...["--temporary", temporary],
  ], { stdio: "inherit", cwd: top, env: { ...process.env, TMPDIR: temporary } });
  code ||= status ?? 1;
}
rmSync(temporary, { recursive: true });
process.exit(code);
