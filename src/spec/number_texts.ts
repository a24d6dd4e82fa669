/** Keeps the text of numbers that JavaScript can't hold: integers from 2^53 on, and fractions with many digits. */

/** Two functions of ECMAScript 2025 that the library's types don't have yet. */
const { rawJSON, isRawJSON } = JSON as typeof JSON & {
  rawJSON?(text: string): object;
  isRawJSON?(value: unknown): value is { rawJSON: string };
};

/** Parses JSON as `JSON.parse` does; a number that would be written in another way is its text, for `JSON.stringify`. */
export function parseNumberTexts(bytes: Uint8Array): unknown {
  const keepText = (_name: string, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    return typeof value === "number" && source !== undefined && source !== String(value) ? rawJSON!(source) : value;
  };
  const text = new TextDecoder().decode(bytes);
  return rawJSON === undefined ? JSON.parse(text) : JSON.parse(text, keepText);
}

/** Returns a value in which the numbers have the texts of those that are equal and at the same place of another. */
export function withNumberTexts(value: unknown, texts: unknown): unknown {
  if (typeof value === "number") return isRawJSON?.(texts) && Number(texts.rawJSON) === value ? texts : value;
  if (typeof value !== "object" || value === null || typeof texts !== "object" || texts === null) return value;
  const before = texts as Record<string, unknown>;
  if (Array.isArray(value)) return value.map((item, i) => withNumberTexts(item, before[i]));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withNumberTexts(item, before[name])]));
}
