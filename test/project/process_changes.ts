// Finds what changes the whole process, in which test files run side by side. The sources are formatted.

/** The environment by its names in Deno, Bun and Node.js, not what only begins with one. */
const VARIABLES = String.raw`(?:\b(?:process|Bun)\??\.env|\bimport\.meta\.env)\b`;
const CHANGES = [
  // An assignment to the environment or to one variable, or the removal of one.
  String.raw`${VARIABLES}(?:\.\w+|\[[^\]\n]+\])?!? (?:\?\?|\|\||&&|\+)?= `,
  String.raw`\bdelete ${VARIABLES}`,
  String.raw`\bObject\.(?:assign|definePropert(?:y|ies))\(${VARIABLES}`,
  String.raw`\bReflect\.(?:set|deleteProperty|defineProperty)\(${VARIABLES}`,
  String.raw`\bDeno\.env\.(?:set|delete)\(`,
  String.raw`\bchdir\(`,
  String.raw`\bumask\([^)]`,
];
const CHANGE = new RegExp(CHANGES.join("|"), "g");

/** Returns the changes of the environment, the current folder and the umask of the process in a source, as written. */
export function processChanges(source: string): string[] {
  return [...source.matchAll(CHANGE)].map(([change]) => change.trim());
}
