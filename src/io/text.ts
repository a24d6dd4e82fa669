/**
 * Returns whether a text can be a header value on every runtime: printable ASCII. Runtimes quote an invalid value in
 * their errors, so secrets are checked first.
 */
export function isHeaderText(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** Returns whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses a JSON object, or returns `undefined` for any other text. */
export function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The most names in a message. */
const MOST_LISTED = 30;

/** Returns names for a message, separated by commas: each once, and the first ones of very many. */
export function listed(names: Iterable<string>): string {
  const all = [...new Set(names)];
  return all.slice(0, MOST_LISTED).join(", ") + (all.length > MOST_LISTED ? ", …" : "");
}
