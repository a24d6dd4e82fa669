// Checks the tarball of the npm package: its files, the imports of every room on Node.js, its types, and what two
// linters of packages find.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { parseRange, satisfies, tryParse } from "@std/semver";
import { readTar } from "../src/tar/mod.ts";

const run = promisify(execFile);

/** The files that a package may have. */
const ALLOWED = [
  /^(package\.json|README\.md|LICENSE|THIRD_PARTY_NOTICES)$/,
  /^bin\/(gcrane\.cjs|[\w-]+\.js)$/,
  /^lib\/((src|gcr|cli)\/([\w-]+\/)*)?[\w-]+(\.js|\.d\.ts)$/,
  /^lib\/require(\.cjs|\.d\.cts)$/,
];

/** The newest TypeScript that types are checked with. */
export const TYPESCRIPT = "7.0.2";

/** What the types are checked with, the strictest first; TypeScript 5.7 is the oldest that reads them. */
const COMPILERS = [
  { typescript: TYPESCRIPT, options: { module: "nodenext", target: "esnext", lib: ["esnext"], types: ["node"] } },
  { typescript: TYPESCRIPT, options: { module: "nodenext", target: "es2022", types: [] } },
  { typescript: TYPESCRIPT, options: { module: "esnext", moduleResolution: "bundler", target: "es2022", types: [] } },
  { typescript: "5.7.3", options: { module: "esnext", moduleResolution: "node10", target: "es2022", types: [] } },
];

/** Programs that come through npx. */
const TOOLS = { publint: "publint@0.3.25", attw: "@arethetypeswrong/cli@0.18.5" };
const NODE_TYPES = "@types/node@24";

/** What a check came to. */
export interface NpmCheck {
  /** A line for each check. */
  readonly lines: readonly string[];
  /** What is wrong; nothing may be. */
  readonly failures: readonly string[];
}

/** Reads the files of a tarball, by their path in the package. */
export async function readPackage(tarball: string): Promise<Map<string, string>> {
  const archive = new Blob([new Uint8Array(await readFile(tarball))]).stream();
  const files = new Map<string, string>();
  for await (const entry of readTar(archive.pipeThrough(new DecompressionStream("gzip")))) {
    if (entry.type !== "file") throw new Error(`${tarball}: ${entry.path} is a ${entry.type}`);
    files.set(entry.path.replace(/^package\//, ""), new TextDecoder().decode(await entry.bytes()));
  }
  return files;
}

/** Returns the faults of the list of files, and of what they name: each must be there. */
export function faultsOfFiles(files: ReadonlyMap<string, string>): string[] {
  const faults = [...files.keys()].filter((path) => !ALLOWED.some((pattern) => pattern.test(path)))
    .map((path) => `${path} does not belong into the package`);
  const manifest = JSON.parse(files.get("package.json") ?? "{}");
  const named = JSON.stringify([manifest.exports, manifest.bin, manifest.main, manifest.types, manifest.typesVersions]);
  for (const [, name] of named.matchAll(/"(?:\.\/)?((?:lib|bin)\/[^"]+)"/g)) {
    if (!files.has(name)) faults.push(`package.json names ${name}, which is not there`);
  }
  const used = new Set<string>();
  for (const [path, text] of files) {
    for (const specifier of /\.(js|d\.ts)$/.test(path) ? importsOf(text) : []) {
      if (!specifier.startsWith(".")) {
        used.add(packageOf(specifier));
        continue;
      }
      const target = posix.join(posix.dirname(path), specifier);
      const found = path.endsWith(".d.ts") ? target.replace(/\.js$/, ".d.ts") : target;
      if (!files.has(found)) faults.push(`${path} imports ${specifier}, which is not there`);
    }
  }
  const dependencies = Object.keys(manifest.dependencies ?? {});
  for (const name of used) if (!dependencies.includes(name)) faults.push(`${name} is imported, and no dependency`);
  for (const name of dependencies) if (!used.has(name)) faults.push(`${name} is a dependency, and not imported`);
  return faults;
}

/** Finds the imports of a module or a declaration; comments hold examples, which are none. */
function importsOf(text: string): string[] {
  const code = text.replaceAll(/\/\*[^]*?\*\//g, "");
  return [...code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)"([@\w./:-]+)"/g)].map(([, specifier]) => specifier);
}

function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Returns the Node.js of GCRANE_NODE or of PATH, or where it is too old one that npx fetches. */
async function findNode(needed: string): Promise<string> {
  const node = process.env.GCRANE_NODE ?? "node";
  const { stdout } = await run(node, ["--version"]);
  const version = tryParse(stdout.trim());
  if (version !== undefined && satisfies(version, parseRange(needed))) return node;
  return (await run("npx", ["-y", "node@24", "-p", "process.execPath"])).stdout.trim();
}

/** Checks a tarball. */
export async function checkNpmPackage(tarball: string): Promise<NpmCheck> {
  const files = await readPackage(tarball);
  const lines: string[] = [];
  const failures: string[] = [];
  /** Runs a check: what it throws is a failure. */
  const check = async (label: string, work: () => Promise<unknown> | unknown) => {
    try {
      await work();
      lines.push(`ok: ${label}`);
    } catch (error) {
      const { stdout = "", stderr = "", message } = error as Error & { stdout?: string; stderr?: string };
      failures.push(`${label}: ${(stdout + stderr).trim() || message}`);
    }
  };

  await check(`${files.size} files, and none that does not belong there`, () => {
    const faults = faultsOfFiles(files);
    if (faults.length > 0) throw new Error(faults.join("\n"));
  });
  const folder = mkdtempSync(join(tmpdir(), "gcrane_package_"));
  try {
    const { name, exports, engines } = JSON.parse(files.get("package.json")!);
    const rooms = Object.keys(exports).filter((subpath) => subpath !== "./package.json");
    const names = rooms.map((subpath) => name + subpath.slice(1));
    const options = { cwd: folder, maxBuffer: 2 ** 26 };
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
    await check("npm install", () => run("npm", ["install", "--no-audit", "--no-fund", tarball, NODE_TYPES], options));

    const node = await findNode(engines.node);
    const program = names.map((name) => `await import(${JSON.stringify(name)});`).join("\n");
    const { stdout: version } = await run(node, ["--version"], options);
    await check(`imports of ${names.length} rooms on Node.js ${version.trim()} (needed: ${engines.node})`, async () => {
      await run(node, ["--input-type=module", "--eval", program], options);
      await run(node, [join("node_modules", name, "bin/gcrane.cjs"), "version"], options);
    });

    const source = names.map((name, at) => `export * as room${at} from ${JSON.stringify(name)};`).join("\n");
    writeFileSync(join(folder, "rooms.ts"), `${source}\n`);
    for (const { typescript, options: compilerOptions } of COMPILERS) {
      const config = { compilerOptions: { ...compilerOptions, strict: true, noEmit: true }, files: ["rooms.ts"] };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
      await check(
        `types in TypeScript ${typescript} with ${JSON.stringify(compilerOptions)}, strict`,
        () => run("npx", ["-y", "-p", `typescript@${typescript}`, "tsc", "-p", "."], options),
      );
    }
    await check("publint", () => run("npx", ["-y", TOOLS.publint, "--strict", tarball], options));
    await check("arethetypeswrong", () => run("npx", ["-y", TOOLS.attw, tarball], options));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { lines, failures };
}
