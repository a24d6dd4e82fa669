// The test driver: `deno task test`. Its last line is the sum: `N passed, N failed` or `N passed, N failed, N skipped`.
//
//   deno task test                      fmt, lint, checks, the suite on Deno and Bun, some rooms on Node.js;
//                                       --jsr if JSR_URL is set
//   deno task test --deno test/name     the suite, or these folders or files, on one runtime (--deno, --bun or --node)
//   deno task test --check              fmt, lint, type check, documentation lint and test/project only
//   deno task test --jsr                what JSR will see, against the real @std of the registry at JSR_URL
//
// With --minutes N, what has not ended after so long is not run or is ended, and counts as failed.

import { parseArgs } from "@std/cli/parse-args";
import { delimiter, dirname } from "node:path";
import { emptyReport, readJunit, type ReadJunitOptions, type Report } from "./driver/junit.ts";
import { partsOf, sideBySide, testFiles } from "./driver/parts.ts";
import { findBun, findNode, installPackages } from "./driver/runtimes.ts";
import { runWatched } from "./driver/watch.ts";
import { standardModules } from "./project/standard_modules.ts";

/** A process falls silent for at most this long, and takes at most that. */
const LIMITS = { silence: 4 * 60_000, total: 15 * 60_000 };
/** How many of the longest tests are listed at the end of a run of over a minute. */
const LONGEST = 20;
/**
 * The folders that run on Node.js too where no flag asks for the whole suite, which takes longer there than on Deno and
 * Bun together: those of the rooms in which the runtime makes the difference.
 */
const ON_NODE = ["http", "io", "layout", "name", "runtime", "spec", "transport"].map((room) => `test/${room}`);
/** The folders that run with the real @std: those of the rooms that use it. */
const ON_JSR = ["authn", "io", "name", "spec", "tar", "transport"].map((room) => `test/${room}`);
/** What one test of Bun may take where it does not say so itself; Deno has no such limit. */
const BUN_TEST_TIMEOUT = 120_000;

const deno = Deno.execPath();
/** The variables of all commands; only what is run against the real @std has JSR_URL. */
const { JSR_URL: jsrUrl, ...inherited } = Deno.env.toObject();
const reports = new Map<string, Report>();
const scratch = await Deno.makeTempDir({ prefix: "gcrane_test_" });

/** Runs a command that counts as one test. */
async function step(label: string, argv: readonly string[], env?: Record<string, string>): Promise<void> {
  heading(label);
  const { code, hung } = await runWatched(argv, { ...limits(), env: variables(env) });
  if (code === 0) report(label, { ...emptyReport(), passed: 1 });
  else fail(label, hung ?? `exited ${code}: see above`);
}

/** How a runtime runs test files. */
interface Suite extends ReadJunitOptions {
  /** The command that runs these files and writes a JUnit file. */
  command: (files: readonly string[], junit: string) => string[];
  env?: Record<string, string>;
}

/** Runs the tests in these folders and files, several processes side by side; a process's output comes in one piece. */
async function runSuite(label: string, paths: readonly string[], suite: Suite): Promise<void> {
  heading(label);
  let files: string[];
  try {
    files = await testFiles(paths);
  } catch (error) {
    return fail(label, (error as Error).message);
  }
  if (files.length === 0) return fail(label, "no test ran: no file there ends with _test.ts");
  const parts = partsOf(files);
  if (parts.length === 1) return await runPart(label, suite, files);
  await sideBySide(parts, async (part, index) => {
    const output: Uint8Array[] = [];
    const started = performance.now();
    await runPart(label, suite, part, (chunk) => void output.push(chunk));
    const seconds = Math.round((performance.now() - started) / 1000);
    heading(`${label}, part ${index + 1} of ${parts.length}: ${seconds} s`);
    for (const chunk of output) writeSync(chunk);
  });
}

/** Runs some files in a process. */
async function runPart(
  label: string,
  suite: Suite,
  files: readonly string[],
  write?: (chunk: Uint8Array) => void,
): Promise<void> {
  if (performance.now() >= end) {
    return fail(label, `not run, as ${flags.minutes} minutes were over: ${files.join(" ")}`);
  }
  const junit = await Deno.makeTempFile({ dir: scratch, suffix: ".xml" });
  const env = variables(suite.env);
  const { code, hung } = await runWatched(suite.command(files, junit), { ...limits(), env, write });
  const found = readJunit(await Deno.readTextFile(junit), suite);
  const ended = (message: string) => found.failures.push({ name: `(the run of ${files.join(" ")})`, message });
  if (hung !== undefined) {
    ended(hung);
  } else if (code !== 0 && found.failures.length === 0) {
    ended(`exited ${code} for an error outside of a test: see above`);
  } else if (found.passed + found.failures.length + found.skipped.length === 0) {
    ended("no test ran");
  }
  report(label, found);
}

/** Returns the limits of a process that starts now. */
function limits(): typeof LIMITS {
  return { ...LIMITS, total: Math.max(1000, Math.min(LIMITS.total, end - performance.now())) };
}

/** Writes all of it at once, so that no other part's output comes between. */
function writeSync(chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length;) at += Deno.stdout.writeSync(chunk.subarray(at));
}

async function checkTree(): Promise<void> {
  await step("fmt", [deno, "fmt", "--check"]);
  await step("lint", [deno, "lint"]);
  await step("check", [deno, "check", "--frozen", "--doc", "."]);
  await step("doc", [deno, "doc", "--lint", "--quiet", ...await exportedFiles()]);
}

async function exportedFiles(): Promise<string[]> {
  const { exports } = JSON.parse(await Deno.readTextFile("deno.json"));
  return Object.values(exports as Record<string, string>);
}

async function suiteOnDeno(paths: readonly string[]): Promise<void> {
  // Deno needs no node_modules, but the tests that start Node.js do.
  if (await Deno.stat("node_modules").then(() => false, () => true)) {
    await findBun().then(installPackages).catch((error) => fail("Node.js", (error as Error).message));
  }
  const args = ["test", "--allow-all", "--no-check", "--frozen"];
  const command: Suite["command"] = (files, junit) => [deno, ...args, `--junit-path=${junit}`, ...files];
  await runSuite("Deno", paths, { command, suitesAreTests: true });
}

async function suiteOnBun(paths: readonly string[]): Promise<void> {
  const args = ["test", `--timeout=${BUN_TEST_TIMEOUT}`, "--reporter=junit"];
  let bun: string;
  try {
    bun = await findBun();
    await installPackages(bun);
  } catch (error) {
    return fail("Bun", error instanceof Error ? error.message : String(error));
  }
  // Without ./ Bun takes a path for a part of a file's name.
  const named = (files: readonly string[]) => files.map((path) => path.replace(/^(?![./])/, "./"));
  const command: Suite["command"] = (files, junit) => [bun, ...args, `--reporter-outfile=${junit}`, ...named(files)];
  await runSuite("Bun", paths, { command, suitesAreTests: false });
}

async function suiteOnNode(paths: readonly string[]): Promise<void> {
  let node: string;
  try {
    node = await findNode();
    await installPackages(await findBun());
  } catch (error) {
    return fail("Node.js", error instanceof Error ? error.message : String(error));
  }
  // Each file runs in a process of its own, which compiles the sources again unless it finds them compiled. Tests that
  // need a bundle have Deno make it.
  const env = {
    GCRANE_NODE: node,
    NODE_COMPILE_CACHE: `${scratch}/node_cache`,
    PATH: `${Deno.env.get("PATH")}${delimiter}${dirname(deno)}`,
  };
  const preload = new URL("driver/node_preload.ts", import.meta.url).href;
  const args = ["--import", standardModules(), "--import", preload, "--test", "--test-concurrency=1"];
  const command: Suite["command"] = (files, junit) => [
    node,
    ...args,
    ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
    ...["--test-reporter=junit", `--test-reporter-destination=${junit}`],
    ...files,
  ];
  await runSuite("Node.js", paths, { command, suitesAreTests: false, env });
}

/** Checks the publish manifest and runs some rooms with the real @std, which a registry at JSR_URL has. */
async function checkForJsr(): Promise<void> {
  if (jsrUrl === undefined) {
    return fail("JSR", "JSR_URL is not set: it names a registry that has @std, see CONTRIBUTING.md");
  }
  // A cache of its own: the mirror's files are not JSR's, byte for byte, and must not be taken for them later.
  const env = { JSR_URL: jsrUrl, DENO_DIR: `${scratch}/jsr_cache` };
  const config = ["--config=jsr.json", "--no-lock", "--quiet"];
  await step("JSR: check", [deno, "check", ...config, "mod.ts", "cli/main.ts"], env);
  await step("JSR: publish", [deno, "publish", ...config, "--dry-run", "--allow-dirty"], env);
  const args = ["test", "--allow-all", ...config];
  const command: Suite["command"] = (files, junit) => [deno, ...args, `--junit-path=${junit}`, ...files];
  await runSuite("JSR: suite", ON_JSR, { command, suitesAreTests: true, required: "@std/tar", env });
}

function heading(label: string): void {
  console.log(`\n=== ${label}`);
}

function fail(label: string, message: string): void {
  report(label, { ...emptyReport(), failures: [{ name: label, message }] });
}

/** Adds to what a label came to so far. */
function report(label: string, { passed, failures, skipped, seconds }: Report): void {
  const before = reports.get(label) ?? emptyReport();
  reports.set(label, {
    passed: passed + before.passed,
    failures: [...before.failures, ...failures],
    skipped: [...before.skipped, ...skipped],
    seconds: new Map([...before.seconds, ...seconds]),
  });
}

function variables(env?: Record<string, string>): Record<string, string> {
  const colour = Deno.stdout.isTerminal() && !Deno.noColor ? "FORCE_COLOR" : "NO_COLOR";
  return { ...inherited, [colour]: "1", ...env };
}

/** Prints what failed, the longest tests, a line per label, and the sum as the last line; gives the number of failures. */
function summarise(): number {
  const failures = [...reports].flatMap(([label, report]) => report.failures.map((failure) => ({ label, ...failure })));
  if (failures.length > 0) heading("Failures");
  for (const { label, name, message } of failures) {
    console.log(`${label}: ${name}\n${message.split("\n").slice(0, 12).map((line) => `    ${line}`).join("\n")}`);
  }
  if (performance.now() > 60_000) printLongest();
  heading("Sum");
  for (const [label, report] of reports) {
    console.log(`${label}: ${line(report.passed, report.failures.length, report.skipped.length)}`);
  }
  const absent = new Set(
    [...reports].flatMap(([, { skipped }]) => skipped).filter((name) => name.includes("[peer absent")),
  );
  for (const name of absent) console.log(`skipped: ${name}`);
  const sum = (count: (report: Report) => number) =>
    [...reports].reduce((total, [, report]) => total + count(report), 0);
  console.log(line(sum((report) => report.passed), failures.length, sum((report) => report.skipped.length)));
  return failures.length;
}

function printLongest(): void {
  const times = [...reports].flatMap(([label, { seconds }]) =>
    [...seconds].map(([name, time]) => ({ time, text: `${time.toFixed(0).padStart(4)} s  ${label}: ${name}` }))
  );
  heading("The longest tests");
  for (const { text } of times.sort((a, b) => b.time - a.time).slice(0, LONGEST)) console.log(text);
  console.log(`${(performance.now() / 60_000).toFixed(1)} minutes for all`);
}

function line(passed: number, failed: number, skipped: number): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

const flags = parseArgs(Deno.args, {
  boolean: ["deno", "bun", "node", "check", "jsr"],
  string: ["minutes"],
  unknown: (name, key) => {
    if (key === undefined) return true;
    console.error(`test/run.ts has no flag ${name}: --deno, --bun, --node, --check, --jsr and --minutes are there`);
    Deno.exit(2);
  },
});
const end = flags.minutes === undefined ? Infinity : Number(flags.minutes) * 60_000;
if (!(end > 0)) {
  console.error(`--minutes ${flags.minutes} is not a number above 0`);
  Deno.exit(2);
}
const paths = flags._.map(String);
const all = !flags.deno && !flags.bun && !flags.node && !flags.check && !flags.jsr;
const asked = paths.length > 0 ? paths : ["test"];

if (flags.check || (all && paths.length === 0)) await checkTree();
if (flags.check) await suiteOnDeno(["test/project"]);
if (flags.deno || all) await suiteOnDeno(asked);
if (flags.bun || all) await suiteOnBun(asked);
if (flags.node || all) await suiteOnNode(all && paths.length === 0 ? ON_NODE : asked);
if (flags.jsr || (all && paths.length === 0 && jsrUrl !== undefined)) await checkForJsr();

const failed = summarise();
await Deno.remove(scratch, { recursive: true });
Deno.exit(failed === 0 ? 0 : 1);
