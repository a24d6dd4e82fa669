import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Sources by their path from the top of the checkout. */
export type Tree = ReadonlyMap<string, string>;

/** The top of the checkout, with a slash at its end. */
export const top: string = fileURLToPath(new URL("../../", import.meta.url));

const LEFT_OUT = new Set([".git", ".examples", "node_modules", "coverage", "dist"]);

/** The paths of all files of the project, from the top of the checkout. */
export function projectFiles(): string[] {
  return walk("").sort();
}

function walk(folder: string): string[] {
  return readdirSync(top + folder, { withFileTypes: true }).flatMap((entry) => {
    if (LEFT_OUT.has(entry.name)) return [];
    const path = folder + entry.name;
    return entry.isDirectory() ? walk(`${path}/`) : [path];
  });
}

/** The text of a file of the project. */
export function read(path: string): string {
  return readFileSync(top + path, "utf8");
}

/** The paths of the documents: README.md and its like, and the pages of docs. */
export function documents(): string[] {
  return projectFiles().filter((path) => /^(docs\/)?[^/]+\.md$/.test(path));
}

/** A configuration file of the project, parsed. */
export function readJson(path: string): Record<string, unknown> {
  return JSON.parse(read(path));
}

/** All TypeScript of the project but what tests read as data. */
export function typescript(): Tree {
  const paths = projectFiles().filter((path) => /\.tsx?$/.test(path) && !path.startsWith("test/testdata/"));
  return new Map(paths.map((path) => [path, read(path)]));
}

/** The part of a tree that is the package itself: no tests. */
export function packageSources(tree: Tree): Tree {
  return new Map([...tree].filter(([path]) => path === "mod.ts" || /^(src|gcr|cli)\//.test(path)));
}
