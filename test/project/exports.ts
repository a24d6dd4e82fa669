import { existsSync } from "node:fs";
import { posix } from "node:path";
import { type Token, tokens } from "./lexer.ts";
import { readJson, top, type Tree } from "./tree.ts";

/** The exports of the package that are there: the name to import, and the file. */
export function exportedModules(): { name: string; path: string }[] {
  return Object.entries(readJson("deno.json").exports as Record<string, string>)
    .map(([subpath, path]) => ({ name: `@gcrane/gcrane${subpath.slice(1)}`, path: path.slice(2) }))
    .filter(({ path }) => existsSync(top + path));
}

/** Where each name that a module exports is declared: `file#name`. */
export function declarationsOf(path: string, sources: Tree): Map<string, string> {
  const all = tokens(sources.get(path) ?? "");
  const found = new Map<string, string>();
  all.forEach((token, at) => {
    if (token.kind !== "name" || token.value !== "export" || all[at - 1]?.value === ".") return;
    let next = at + 1;
    while (MODIFIERS.has(all[next].value)) next++;
    if (all[next].value === "{" || all[next].value === "*") {
      for (const [name, declaration] of reExports(all, next, { path, sources })) found.set(name, declaration);
    } else if (DECLARATIONS.has(all[next].value)) {
      const name = all[next + 1].value;
      found.set(name, `${path}#${name}`);
    } else if (all[next - 1].value === "type") {
      found.set(all[next].value, `${path}#${all[next].value}`);
    }
  });
  return found;
}

const MODIFIERS = new Set(["type", "abstract", "async", "declare"]);
const DECLARATIONS = new Set(["function", "class", "interface", "const", "let"]);

/** The names of `export { a, type b as c } from "…"`, `export * from "…"` and `export * as d from "…"`. */
function reExports(all: Token[], at: number, from: { path: string; sources: Tree }): Iterable<[string, string]> {
  const end = all.findIndex(({ kind, value }, index) => index > at && kind === "name" && value === "from");
  const module = posix.join(posix.dirname(from.path), all[end + 1].value);
  const words = all.slice(at, end).map(({ value }) => value);
  if (words[0] === "*" && words[1] === "as") return [[words[2], `${module}#*`]];
  const declarations = declarationsOf(module, from.sources);
  if (words[0] === "*") return declarations;
  return words.slice(1, -1).join(" ").split(",").filter((part) => part.trim() !== "").map((part) => {
    const [name, renamed = name] = part.replace(/^ *type /, "").trim().split(" as ");
    return [renamed.trim(), declarations.get(name.trim()) ?? `${module}#${name.trim()}`];
  });
}

/** The exported names that stand for more than one declaration, with these. */
export function ambiguousNames(modules: readonly string[], sources: Tree): string[] {
  const meanings = new Map<string, Set<string>>();
  for (const [name, declaration] of modules.flatMap((path) => [...declarationsOf(path, sources)])) {
    meanings.set(name, (meanings.get(name) ?? new Set()).add(declaration));
  }
  return [...meanings].filter(([, of]) => of.size > 1).map(([name, of]) => `${name}: ${[...of].join(", ")}`);
}
