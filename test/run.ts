// The test driver: `deno task test`. Its last line is the sum: `N passed, N failed` or `N passed, N failed, N skipped`.
//
//   deno task test                      fmt, lint, type check, the suite on Deno, the suite on Bun; --jsr if JSR_URL is set
//   deno task test --deno test/name     the suite, or these folders or files, on one runtime (--deno or --bun)
//   deno task test --check              fmt, lint, type check and test/project only
//   deno task test --jsr                what JSR will see, against the real @std of the registry at JSR_URL

import { parseArgs } from "@std/cli/parse-args";
import { findBun, installForBun } from "./driver/bun.ts";
import { readJunit, type ReadJunitOptions, type Report } from "./driver/junit.ts";
import { runWatched, type RunWatchedOptions } from "./driver/watch.ts";

/** A test falls silent for at most this long, and a runtime's whole suite takes at most that. */
const LIMITS = { silence: 4 * 60_000, total: 15 * 60_000 };
/** What one test of Bun may take where it does not say so itself; Deno has no such limit. */
const BUN_TEST_TIMEOUT = 120_000;

const deno = Deno.execPath();
const jsrUrl = Deno.env.get("JSR_URL");
Deno.env.delete("JSR_URL");
const reports: [label: string, report: Report][] = [];
const scratch = await Deno.makeTempDir({ prefix: "gcrane_test_" });

/** Runs a command that counts as one test. */
async function step(label: string, argv: readonly string[], env?: Record<string, string>): Promise<void> {
  heading(label);
  const { code, hung } = await runWatched(argv, { ...LIMITS, env: { ...colour(), ...env } });
  if (code === 0) reports.push([label, { passed: 1, failures: [], skipped: [] }]);
  else fail(label, hung ?? `exited ${code}: see above`);
}

/** Runs a suite that writes a JUnit file. */
async function suite(
  label: string,
  argv: readonly string[],
  options: ReadJunitOptions & { junit: string; env?: Record<string, string> },
): Promise<void> {
  heading(label);
  const watch: RunWatchedOptions = { ...LIMITS, env: { ...colour(), ...options.env } };
  const { code, hung } = await runWatched(argv, watch);
  const xml = await Deno.readTextFile(options.junit).catch(() => "");
  const report = readJunit(xml, options);
  if (hung !== undefined) {
    report.failures.push({ name: "(the run)", message: hung });
  } else if (code !== 0 && report.failures.length === 0) {
    report.failures.push({ name: "(the run)", message: `exited ${code} for an error outside of a test: see above` });
  } else if (report.passed + report.failures.length + report.skipped.length === 0) {
    report.failures.push({ name: "(the run)", message: "no test ran" });
  }
  reports.push([label, report]);
}

async function checkTree(): Promise<void> {
  await step("fmt", [deno, "fmt", "--check"]);
  await step("lint", [deno, "lint"]);
  await step("check", [deno, "check", "--frozen", "--doc", "."]);
}

async function suiteOnDeno(paths: readonly string[]): Promise<void> {
  // Deno needs no node_modules, but the tests that start Node.js do.
  if (await Deno.stat("node_modules").then(() => false, () => true)) {
    await findBun().then(installForBun).catch((error) => fail("Node.js", (error as Error).message));
  }
  const junit = `${scratch}/deno.xml`;
  const args = ["test", "--allow-all", "--no-check", "--frozen", `--junit-path=${junit}`];
  await suite("Deno", [deno, ...args, ...paths], { junit, suitesAreTests: true });
}

async function suiteOnBun(paths: readonly string[]): Promise<void> {
  const junit = `${scratch}/bun.xml`;
  const args = ["test", `--timeout=${BUN_TEST_TIMEOUT}`, "--reporter=junit", `--reporter-outfile=${junit}`];
  let bun: string;
  try {
    bun = await findBun();
    await installForBun(bun);
  } catch (error) {
    return fail("Bun", error instanceof Error ? error.message : String(error));
  }
  // Without ./ Bun takes a path for a part of a file's name.
  await suite("Bun", [bun, ...args, ...paths.map((path) => path.replace(/^(?![./])/, "./"))], {
    junit,
    suitesAreTests: false,
  });
}

/** Checks the publish manifest and runs the suite with the real @std, which a registry at JSR_URL has. */
async function checkForJsr(): Promise<void> {
  if (jsrUrl === undefined) {
    return fail("JSR", "JSR_URL is not set: it names a registry that has @std, see CONTRIBUTING.md");
  }
  // A cache of its own: the mirror's files are not JSR's, byte for byte, and must not be taken for them later.
  const env = { JSR_URL: jsrUrl, DENO_DIR: `${scratch}/jsr_cache` };
  const config = ["--config=jsr.json", "--no-lock", "--quiet"];
  await step("JSR: check", [deno, "check", ...config, "mod.ts", "cli/main.ts"], env);
  await step("JSR: publish", [deno, "publish", ...config, "--dry-run", "--allow-dirty"], env);
  const junit = `${scratch}/jsr.xml`;
  const args = ["test", "--allow-all", ...config, `--junit-path=${junit}`, "test"];
  await suite("JSR: suite", [deno, ...args], { junit, suitesAreTests: true, required: "@std/tar", env });
}

function heading(label: string): void {
  console.log(`\n=== ${label}`);
}

function fail(label: string, message: string): void {
  reports.push([label, { passed: 0, failures: [{ name: label, message }], skipped: [] }]);
}

function colour(): Record<string, string> {
  return Deno.stdout.isTerminal() && !Deno.noColor ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };
}

/** Prints what failed, a line per part, and the sum as the last line; gives the number of failures. */
function summarise(): number {
  const failures = reports.flatMap(([label, report]) => report.failures.map((failure) => ({ label, ...failure })));
  if (failures.length > 0) heading("Failures");
  for (const { label, name, message } of failures) {
    console.log(`${label}: ${name}\n${message.split("\n").slice(0, 12).map((line) => `    ${line}`).join("\n")}`);
  }
  heading("Sum");
  for (const [label, report] of reports) {
    console.log(`${label}: ${line(report.passed, report.failures.length, report.skipped.length)}`);
  }
  const absent = new Set(reports.flatMap(([, { skipped }]) => skipped).filter((name) => name.includes("[peer absent")));
  for (const name of absent) console.log(`skipped: ${name}`);
  const sum = (count: (report: Report) => number) => reports.reduce((total, [, report]) => total + count(report), 0);
  console.log(line(sum((report) => report.passed), failures.length, sum((report) => report.skipped.length)));
  return failures.length;
}

function line(passed: number, failed: number, skipped: number): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

const flags = parseArgs(Deno.args, {
  boolean: ["deno", "bun", "check", "jsr"],
  unknown: (name, key) => {
    if (key === undefined) return true;
    console.error(`test/run.ts has no flag ${name}: --deno, --bun, --check and --jsr are there`);
    Deno.exit(2);
  },
});
const paths = flags._.map(String);
const all = !flags.deno && !flags.bun && !flags.check && !flags.jsr;
const asked = paths.length > 0 ? paths : ["test"];

if (flags.check || (all && paths.length === 0)) await checkTree();
if (flags.check) await suiteOnDeno(["test/project"]);
if (flags.deno || all) await suiteOnDeno(asked);
if (flags.bun || all) await suiteOnBun(asked);
if (flags.jsr || (all && paths.length === 0 && jsrUrl !== undefined)) await checkForJsr();

const failed = summarise();
await Deno.remove(scratch, { recursive: true });
Deno.exit(failed === 0 ? 0 : 1);
