import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const top = join(import.meta.dirname!, "..", "..");

/** Writes files below a folder; values that are no texts become JSON, and `undefined` no file. */
export function writeFiles(folder: string, files: Readonly<Record<string, unknown>>): void {
  for (const [path, content] of Object.entries(files)) {
    if (content === undefined) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), typeof content === "string" ? content : JSON.stringify(content, null, 2));
  }
}

/** Returns the version of a package that this checkout has installed. */
export function installedVersion(name: string): string {
  return JSON.parse(readFileSync(join(top, "node_modules", name, "package.json"), "utf8")).version;
}

/** Writes an app with packages of this checkout: package.json, package-lock.json and node_modules. */
export function writeNpmApp(
  folder: string,
  { packages, files, ...own }:
    & { packages: readonly string[]; files: Record<string, unknown> }
    & Record<string, unknown>,
): void {
  const dependencies = Object.fromEntries(packages.map((name) => [name, installedVersion(name)]));
  writeFiles(folder, {
    "package.json": { name: "web", version: "1.2.3", type: "module", dependencies, ...own },
    "package-lock.json": npmLock(dependencies),
    ...files,
  });
  for (const name of packages) copyPackage(name, join(folder, "node_modules", name));
}

/** Copies a package that this checkout has installed. */
export function copyPackage(name: string, to: string): void {
  cpSync(join(top, "node_modules", name), to, { recursive: true, dereference: true });
}

/** Returns a package-lock.json of packages without dependencies. */
export function npmLock(dependencies: Readonly<Record<string, string>>): unknown {
  const entries = Object.entries(dependencies).map(([name, version]) => [`node_modules/${name}`, { version }]);
  return { lockfileVersion: 3, packages: { "": { dependencies }, ...Object.fromEntries(entries) } };
}
