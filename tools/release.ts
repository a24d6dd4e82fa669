// Makes what a release publishes, and checks it:
//
//   deno task release VERSION --dry-run    into dist/, checked, and printed
//   deno task release VERSION              the same, and then published; refused while the project has no public names

import { parseArgs } from "@std/cli/parse-args";
import { join } from "node:path";
import { checkNpmPackage } from "./npm_check.ts";
import { makeNpmPackage } from "./npm_package.ts";
import { publicNames } from "./public_names.ts";

const USAGE = "usage: deno task release VERSION [--dry-run]";
const top = join(import.meta.dirname!, "..");

/** Ends the program with a message. */
function refuse(message: string): never {
  console.error(message);
  Deno.exit(1);
}

/** Refuses a real release that can't be right. */
async function checkIntent(version: string): Promise<void> {
  const absent = Object.entries(publicNames).filter(([, name]) => name === undefined).map(([key]) => key);
  if (absent.length > 0) {
    refuse(`not released: set ${absent.join(", ")} in tools/public_names.ts, or use --dry-run`);
  }
  const deno = JSON.parse(await Deno.readTextFile(join(top, "deno.json")));
  if (deno.version !== version) {
    refuse(`not released: deno.json has the version ${deno.version}; set it there and run deno task configs`);
  }
  const { stdout } = await new Deno.Command("git", { args: ["status", "--porcelain"], cwd: top }).output();
  if (stdout.length > 0) refuse("not released: commit the changes of the checkout first");
}

/** Runs a command of a release, and refuses to go on if it fails. */
async function publish(command: string, args: string[]): Promise<void> {
  const { code } = await new Deno.Command(command, { args, cwd: top }).spawn().status;
  if (code !== 0) refuse(`${command} ${args.join(" ")} exited ${code}`);
}

const flags = parseArgs(Deno.args, {
  boolean: ["dry-run"],
  unknown: (name, key) => key === undefined ? true : refuse(`${name} is no flag of a release; ${USAGE}`),
});
const [version, ...more] = flags._.map(String);
if (version === undefined || more.length > 0) refuse(USAGE);
if (!/^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/i.test(version)) refuse(`${version} is no version such as 1.2.3; ${USAGE}`);
const isDryRun = flags["dry-run"] === true;
if (!isDryRun) await checkIntent(version);

const folder = join(top, "dist", "npm");
await Deno.remove(folder, { recursive: true }).catch(() => {});
const tarball = await makeNpmPackage(top, version, folder);
const { lines, failures } = await checkNpmPackage(tarball);
console.log(lines.join("\n"));
if (failures.length > 0) refuse(`\nnot released:\n${failures.join("\n")}`);

const commands = [
  ["npm", "publish", tarball, "--access=public", ...version.includes("-") ? ["--tag=next"] : []],
  [Deno.execPath(), "publish", "--config=jsr.json", "--no-lock"],
];
if (isDryRun) {
  console.log(`\n${tarball} is made and checked. A release of ${version} runs:`);
  for (const words of commands) console.log(`  ${words.join(" ")}`);
} else {
  for (const [command, ...args] of commands) await publish(command, args);
}
