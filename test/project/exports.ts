import { existsSync } from "node:fs";
import { readJson, top } from "./tree.ts";

/** The exports of the package that are there: the name to import, and the file. */
export function exportedModules(): { name: string; path: string }[] {
  return Object.entries(readJson("deno.json").exports as Record<string, string>)
    .map(([subpath, path]) => ({ name: `@gcrane/gcrane${subpath.slice(1)}`, path: path.slice(2) }))
    .filter(({ path }) => existsSync(top + path));
}
