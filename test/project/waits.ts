// Finds loops that wait for something with no end but its coming. The sources are formatted, so lines say enough.

/** What may stand in parentheses, which hold others down to the fourth. */
const INSIDE = Array.from({ length: 4 }).reduce((inside) => `(?:[^()\\n]|\\(${inside}\\))*`, "[^()\\n]*");
/** A loop: its indentation, its head, and its body, in braces or on the same line; it may hold further loops. */
const LOOP = new RegExp(
  `^( *)(?:[^\\n]*[ }])?((?:while|for) \\((${INSIDE})\\))(?=(?: \\{\\n((?:\\1 .*\\n|\\n)*)\\1\\}|(.*)))`,
  "gm",
);
const PAUSE = /\bawait\b[^\n]*\b(?:setTimeout|setImmediate|delay|once|race)\(/;
/** A condition that looks at a stream, which ends, or at the clock. */
const BOUNDED = /[.#](?:read|next|fill)\(|\bnow\(\)/;

/** The heads of the loops in a source that may wait for ever; `until` of test/make/waiting.ts waits for a minute. */
export function endlessWaits(source: string): string[] {
  return [...source.matchAll(LOOP)].flatMap(([, , head, condition, block, line]) => {
    const isEndless = head.startsWith("while") ? !BOUNDED.test(condition) : /;;/.test(condition);
    const waits = /\bawait\b/.test(condition) || PAUSE.test(block ?? line);
    return isEndless && waits ? [head] : [];
  });
}
