import { BuildError } from "../errors.ts";

/** Globs over the paths of a project. */
export interface Globs {
  /** Returns whether a glob matches a path, or a folder that it lies in. */
  matches(path: string): boolean;
  /** Returns whether a path is one of the globs as it is written, without anything that stands for other text. */
  names(path: string): boolean;
}

/**
 * Reads globs: `*` and `?` stand for text without `/`, `**` for folders, `{a,b}` for one of several texts, `[abc]` for
 * one character. A glob without `/` matches names in every folder; one that matches a folder matches what is in it.
 *
 * @throws {BuildError} if a glob has a bracket that does not close.
 */
export function globs(patterns: readonly string[]): Globs {
  const cleaned = patterns.map((pattern) => pattern.replace(/^\.?\/+|\/+$/g, ""));
  const expressions = cleaned.map((pattern, i) => expressionOf(pattern, patterns[i]));
  const literal = new Set(cleaned);
  return {
    matches: (path) => expressions.some((expression) => expression.test(path)),
    names: (path) => literal.has(path),
  };
}

function expressionOf(pattern: string, given: string): RegExp {
  const anywhere = pattern.includes("/") ? "" : "(?:.*/)?";
  let text = "";
  let depth = 0;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (pattern.startsWith("**/", i)) {
      text += "(?:.*/)?";
      i += 2;
    } else if (pattern.startsWith("**", i)) {
      text += ".*";
      i++;
    } else if (char === "*") text += "[^/]*";
    else if (char === "?") text += "[^/]";
    else if (char === "[") {
      const end = pattern.indexOf("]", i + 2);
      if (end < 0) throw unclosed(given, "[");
      const inside = pattern.slice(i + 1, end).replace(/^!/, "^").replace(/[\\[\]]/g, "\\$&");
      text += `[${inside}]`;
      i = end;
    } else if (char === "{") {
      depth++;
      text += "(?:";
    } else if (char === "}" && depth > 0) {
      depth--;
      text += ")";
    } else if (char === "," && depth > 0) text += "|";
    else text += char.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  }
  if (depth > 0) throw unclosed(given, "{");
  return new RegExp(`^${anywhere}${text}(?:/.*)?$`, "su");
}

function unclosed(pattern: string, bracket: string): BuildError {
  return new BuildError(`the glob ${JSON.stringify(pattern)} has a ${bracket} that does not close`);
}
