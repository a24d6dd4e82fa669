// Makes what a release publishes, and checks it:
//
//   deno task release VERSION --dry-run    into dist/, checked, and printed
//   deno task release VERSION              the same, and then published; refused while the project has no public names

import { parseArgs } from "@std/cli/parse-args";
import { join, relative } from "node:path";
import { BESIDE, type Binary, faultsOfBinary, makeBinaries } from "./binaries.ts";
import { hostPlatform, platforms } from "./bun.ts";
import { checkImage, makeImage } from "./image.ts";
import { makeAction } from "./action/make.ts";
import { checkNpmPackage } from "./npm_check.ts";
import { makeNpmPackage } from "./npm_package.ts";
import { publicNames } from "./public_names.ts";
import { sbom } from "./sbom.ts";
import { tryCommand } from "./trial.ts";

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

/** A thing that a release publishes. */
interface Product {
  readonly kind: string;
  readonly path: string;
  /** Its bytes, if it is a file. */
  readonly size?: number;
  /** Where it goes. */
  readonly to: string;
}

/** Makes and checks the npm package. */
async function makeNpm(): Promise<Product> {
  const path = await makeNpmPackage(top, version, await emptyFolder("npm"));
  const { lines, failures } = await checkNpmPackage(path);
  console.log(lines.join("\n"));
  if (failures.length > 0) refuse(`\nnot released:\n${failures.join("\n")}`);
  return product("npm", path, "the npm registry");
}

/** Makes and checks the executables. */
async function makeExecutables(): Promise<Binary[]> {
  const binaries = await makeBinaries(top, version, await emptyFolder("bin"), platforms);
  const faults = binaries.flatMap(faultsOfBinary);
  if (faults.length > 0) refuse(`\nnot released:\n${faults.join("\n")}`);
  const host = binaries.find(({ platform }) => platform === hostPlatform())!;
  await tryCommand([host.path], version, { cwd: join(top, "dist") });
  console.log(`ok: ${binaries.length} executables for the right machines; ${host.platform.name} runs`);
  return binaries;
}

/** Writes the SBOM of the executables beside them, and returns its path. */
async function makeSbom(binaries: readonly Binary[]): Promise<string> {
  const path = join(top, "dist", "bin", "gcrane.spdx.json");
  const document = sbom(top, { version, created: await timeOfSources(), files: binaries.map(({ path }) => path) });
  await Deno.writeTextFile(path, `${JSON.stringify(document, null, 2)}\n`);
  return path;
}

/** Makes the GitHub action. */
async function makeGithubAction(): Promise<string> {
  const folder = join(top, "dist", "action");
  await makeAction(top, version, folder);
  return folder;
}

async function timeOfSources(): Promise<Date> {
  const { stdout } = await new Deno.Command("git", { args: ["log", "-1", "--format=%cI"], cwd: top }).output();
  return new Date(new TextDecoder().decode(stdout).trim());
}

/** Makes and checks the container image. */
async function makeContainerImage(binaries: readonly Binary[]): Promise<string> {
  const folder = await emptyFolder("image");
  await makeImage(folder, { version, binaries, created: await timeOfSources() });
  await checkImage(folder, version);
  console.log("ok: the image is valid and runs with its own files alone");
  return folder;
}

async function emptyFolder(name: string): Promise<string> {
  const folder = join(top, "dist", name);
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  return folder;
}

function product(kind: string, path: string, to: string): Product {
  const { isFile, size } = Deno.statSync(path);
  return { kind, path: relative(top, path), size: isFile ? size : undefined, to };
}

const failed = (error: Error) => refuse(`\nnot released: ${error.message}`);
const npm = await makeNpm().catch(failed);
const binaries = await makeExecutables().catch(failed);
const list = await makeSbom(binaries).catch(failed);
const image = await makeContainerImage(binaries).catch(failed);
const action = await makeGithubAction().catch(failed);

const { repository = "REPOSITORY", image: name = "IMAGE", action: actionName = "OWNER/ACTION" } = publicNames;
const files = [...binaries.map(({ path }) => path), ...BESIDE.map((name) => join(top, "dist", "bin", name)), list];
const products = [
  npm,
  product("jsr", join(top, "jsr.json"), "the JSR registry"),
  ...files.map((path) => product("file", path, `${repository}, release v${version}`)),
  product("image", image, `${name}:${version}`),
  product("action", action, `${actionName}@v${version}`),
];
const git = ["git", "-C", action];
/** Workflows name the action by its major version, which leads to the newest release of it. */
const tags = [`v${version}`, ...version.includes("-") ? [] : [`v${version.split(".")[0]}`]];
/** Only a workflow of GitHub can prove where a package comes from. */
const provenance = Deno.env.has("GITHUB_ACTIONS") ? ["--provenance"] : [];
const commands = [
  [
    "npm",
    "publish",
    join(top, npm.path),
    "--access=public",
    ...provenance,
    ...version.includes("-") ? ["--tag=next"] : [],
  ],
  [Deno.execPath(), "publish", "--config=jsr.json", "--no-lock"],
  ["gh", "release", "create", `v${version}`, "--verify-tag", `--repo=${repository}`, ...files],
  [Deno.execPath(), "run", "-A", "cli/main.ts", "push", image, `${name}:${version}`],
  [...git, "init", "--quiet", "--initial-branch=main"],
  [...git, "add", "--all"],
  [...git, "commit", "--quiet", `--message=${version}`],
  [
    ...git,
    "push",
    "--force",
    `https://github.com/${actionName}.git`,
    "main",
    ...tags.map((tag) => `main:refs/tags/${tag}`),
  ],
];
console.log(`\nA release of ${version} publishes:\n`);
for (const { kind, path, size, to } of products) {
  console.log(`  ${kind.padEnd(6)} ${path.padEnd(40)} ${(size?.toLocaleString("en") ?? "").padStart(12)}  ${to}`);
}
if (isDryRun) {
  console.log("\nwith these commands:\n");
  for (const words of commands) {
    console.log(`  ${words.map((word) => word.replace(`${top}/`, "").replace(Deno.execPath(), "deno")).join(" ")}`);
  }
} else {
  for (const [command, ...args] of commands) await publish(command, args);
}
