/** Creates the error for an argument of the wrong kind, which TypeScript would not accept. */
export function wrongArgument(wanted: string, given: unknown): TypeError {
  return new TypeError(`${wanted} is wanted here, not ${described(given)}`);
}

function described(given: unknown): string {
  if (given === undefined || given === null) return `${given}`;
  if (typeof given === "string") return `the string ${JSON.stringify(given.slice(0, 80))}`;
  if (typeof given !== "object") return `a ${typeof given}`;
  if ("then" in given && typeof given.then === "function") return "a promise: await it first";
  if ("kind" in given && typeof given.kind === "string") return `an object of kind ${JSON.stringify(given.kind)}`;
  return Array.isArray(given) ? "an array" : `an object of class ${given.constructor?.name ?? "null"}`;
}
