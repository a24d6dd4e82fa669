// Writes what deno.json already states into jsr.json, package.json, tsconfig.json and src/version.ts.
//
//   deno task configs            writes the files
//   deno task configs --check    lists the files that differ, and fails if there is one

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** A JSON file of the project, parsed. */
type Json = Record<string, unknown>;

/** Packages of which another version might write other bytes: the digests of reproducible layers hang on them. */
const PINNED = ["fflate"];

/** The parts of an `npm:` specifier such as `npm:@scope/name@1.2.3/sub/path.js`. */
export interface NpmSpecifier {
  /** The name of the package. */
  name: string;
  /** Its exact version. */
  version: string;
  /** The path inside of it, empty for its main module. */
  path: string;
}

/** Parses an `npm:` specifier with a version. */
export function npmSpecifier(specifier: string): NpmSpecifier {
  const match = /^npm:((?:@[^/]+\/)?[^@/]+)@([^/]+)(?:\/(.*))?$/.exec(specifier);
  if (match === null) throw new Error(`deno.json: ${specifier} is no npm: specifier with a version`);
  return { name: match[1], version: match[2], path: match[3] ?? "" };
}

/** Returns the range of versions that an installed package may have. */
export function rangeOf({ name, version }: NpmSpecifier): string {
  return PINNED.includes(name) ? version : `^${version}`;
}

/** Returns the files of a checkout that deno.json determines, by path, with the text that each should have. */
export function configFiles(top: string): Map<string, string> {
  const read = (path: string) => readFileSync(join(top, path), "utf8");
  const deno = JSON.parse(read("deno.json"));
  const imports: Record<string, string> = deno.imports;
  const shared = { name: deno.name, version: deno.version, license: deno.license, exports: deno.exports };
  const json = (path: string, change: (before: Json) => Json) => [path, change(JSON.parse(read(path)))] as const;

  const files = [
    json("jsr.json", (before) => ({ ...before, ...shared, imports: jsrImports(imports, before.imports as Json) })),
    json("package.json", (before) => ({ ...before, ...shared, dependencies: exactVersions(imports) })),
    json("tsconfig.json", (before) => ({
      ...before,
      compilerOptions: { ...before.compilerOptions as Json, paths: stdPaths(imports) },
    })),
  ].map(([path, value]) => [path, formatted(value, read(path))] as const);
  const version = read("src/version.ts").replace(/(VERSION = )".*"/, `$1${JSON.stringify(deno.version)}`);
  return new Map([...files, ["src/version.ts", version]]);
}

/** Returns the paths of the files that differ from what deno.json determines. */
export function staleConfigs(top: string): string[] {
  return [...configFiles(top)].filter(([path, text]) => readFileSync(join(top, path), "utf8") !== text)
    .map(([path]) => path);
}

/**
 * The packages as JSR has them. The ranges of `@std` stay as they are: its modules have versions of their own there, and
 * deno.json names that of npm's deno-std.
 */
function jsrImports(imports: Record<string, string>, before: Json): Json {
  const names = [...new Set(Object.keys(imports).map(packageOf))].sort();
  return Object.fromEntries(names.map((name) => {
    if (!name.startsWith("@std/")) {
      const specifier = npmSpecifier(imports[name]);
      return [name, `npm:${specifier.name}@${rangeOf(specifier)}`];
    }
    if (before[name] === undefined) {
      throw new Error(`jsr.json: add "${name}": "jsr:${name}@^…" to imports, with the version that JSR has`);
    }
    return [name, before[name]];
  }));
}

/** The dependencies of a checkout: each package once, in the exact version. */
function exactVersions(imports: Record<string, string>): Record<string, string> {
  const found = new Map<string, string>();
  for (const { name, version } of Object.values(imports).map(npmSpecifier)) {
    const other = found.get(name) ?? version;
    if (other !== version) throw new Error(`deno.json: imports name ${name} in two versions, ${other} and ${version}`);
    found.set(name, version);
  }
  return Object.fromEntries([...found].sort(([one], [other]) => one < other ? -1 : 1));
}

/** The files of `@std`, for Bun. */
function stdPaths(imports: Record<string, string>): Json {
  const std = Object.entries(imports).filter(([name]) => name.startsWith("@std/"));
  return Object.fromEntries(
    std.map(([name, specifier]) => [name, [`./node_modules/deno-std/${npmSpecifier(specifier).path}`]]),
  );
}

/** `@std/async/delay` -> `@std/async` */
function packageOf(name: string): string {
  return name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/");
}

/** Returns the text before if it has this value, so that the formatter's line breaks stay. */
function formatted(value: unknown, before: string): string {
  return JSON.stringify(JSON.parse(before)) === JSON.stringify(value) ? before : `${JSON.stringify(value, null, 2)}\n`;
}

if (import.meta.main) {
  const top = join(import.meta.dirname!, "..");
  const stale = staleConfigs(top);
  if (process.argv.includes("--check")) {
    for (const path of stale) console.error(`${path} differs from deno.json: run deno task configs`);
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    const files = configFiles(top);
    for (const path of stale) {
      writeFileSync(join(top, path), files.get(path)!);
      console.log(`wrote ${path}`);
    }
  }
}
