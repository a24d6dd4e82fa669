import { UsageError } from "../errors.ts";

/** Returns whether a name matches. */
export type NameMatcher = (name: string) => boolean;

/**
 * Parses a pattern of tags or repositories. `v1.*` is a glob: `*` matches anything but a slash, `**` anything, `?` one
 * character, and the whole name must match. `/^v\d+$/` is a regular expression, which may match at any position.
 *
 * @throws {UsageError} for an invalid regular expression.
 */
export function namePattern(pattern: string): NameMatcher {
  const expression = expressionOf(pattern);
  return (name) => expression.test(name);
}

/** Parses a pattern as {@linkcode namePattern} does; a glob also matches the repositories below. */
export function repositoryPattern(pattern: string): NameMatcher {
  const matches = namePattern(pattern);
  if (isExpression(pattern)) return matches;
  return (name) => {
    for (let at = name.length; at > 0; at = name.lastIndexOf("/", at - 1)) if (matches(name.slice(0, at))) return true;
    return false;
  };
}

/** Returns a matcher for any of the patterns. */
export function anyOf(matchers: readonly NameMatcher[]): NameMatcher {
  return (name) => matchers.some((matches) => matches(name));
}

function isExpression(pattern: string): boolean {
  return pattern.length > 1 && pattern.startsWith("/") && pattern.endsWith("/");
}

function expressionOf(pattern: string): RegExp {
  if (isExpression(pattern)) {
    try {
      return new RegExp(pattern.slice(1, -1));
    } catch (cause) {
      throw new UsageError(`${pattern} is not a regular expression`, {
        cause,
        hint: "a glob has no slashes around it",
      });
    }
  }
  if (pattern === "") throw new UsageError("a pattern is empty", { hint: "* matches every name" });
  const glob = pattern.replace(/\*\*|[*?]|[^*?]+/g, (part) => {
    if (part === "**") return ".*";
    return part === "*" ? "[^/]*" : part === "?" ? "[^/]" : part.replace(/[.+^${}()|[\]\\\/-]/g, "\\$&");
  });
  return new RegExp(`^${glob}$`);
}
