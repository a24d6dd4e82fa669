import { type Token, tokens } from "./lexer.ts";

/** One mention of another module. */
export interface Import {
  /** What stands between the quotes, or `undefined` where it is computed. */
  specifier: string | undefined;
  /**
   * `static`: `import` or `export … from`; `dynamic`: `import()` as an expression; `type`: `import type`,
   * `export type … from` or `import()` in a type, of which nothing is left when the code runs.
   */
  kind: "static" | "dynamic" | "type";
}

/** Finds every import of a source text, types and re-exports included. */
export function importsOf(source: string | Token[]): Import[] {
  const all = typeof source === "string" ? tokens(source) : source;
  const found: Import[] = [];
  all.forEach((token, at) => {
    if (token.kind !== "name" || isMark(all[at - 1], ".")) return;
    if (token.value === "import") {
      const next = all[at + 1];
      if (isMark(next, ".") || isMark(next, ":")) return;
      if (isMark(next, "(")) {
        found.push(callOfImport(all, at));
      } else if (next?.kind === "text") {
        found.push({ specifier: next.value, kind: "static" });
      } else {
        found.push(...clause(all, at + 1));
      }
    } else if (token.value === "export" && startsReExport(all, at + 1)) {
      found.push(...clause(all, at + 1));
    }
  });
  return found;
}

function callOfImport(all: Token[], at: number): Import {
  const argument = all[at + 2];
  const specifier = argument?.kind === "text" && (isMark(all[at + 3], ")") || isMark(all[at + 3], ","))
    ? argument.value
    : undefined;
  const before = all[at - 1];
  // `typeof import("x")`, or `import("x").Name`: an expression would have to await first, or call `then`.
  const member = all[at + 5]?.value ?? "";
  const inType = (before?.kind === "name" && before.value === "typeof") ||
    (isMark(all[at + 4], ".") && /^[A-Z]/.test(member));
  return { specifier, kind: inType ? "type" : "dynamic" };
}

function startsReExport(all: Token[], at: number): boolean {
  const next = all[at]?.kind === "name" && all[at].value === "type" ? all[at + 1] : all[at];
  return isMark(next, "{") || isMark(next, "*");
}

/** What follows `import` or `export` up to `from "…"`; nothing if there is no `from`. */
function clause(all: Token[], at: number): Import[] {
  const isType = all[at]?.value === "type" && all[at + 1]?.value !== "from" && !isMark(all[at + 1], ",");
  for (let next = at; next < all.length; next++) {
    const { kind, value } = all[next];
    if (kind === "name" && value === "from" && all[next + 1]?.kind === "text") {
      return [{ specifier: all[next + 1].value, kind: isType ? "type" : "static" }];
    }
    const partOfClause = kind === "name" || (kind === "mark" && "{},*".includes(value));
    if (!partOfClause || (isMark(all[next], "}") && all[next + 1]?.value !== "from")) return [];
  }
  return [];
}

function isMark(token: Token | undefined, value: string): boolean {
  return token?.kind === "mark" && token.value === value;
}
