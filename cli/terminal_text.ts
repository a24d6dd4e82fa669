/** Control characters, and those that change the direction of text, which can disguise its content. */
const UNSAFE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** Converts any text into one line that can't move the cursor: control characters become escapes. */
export function oneLine(text: string): string {
  return text.trim()
    .replace(/\s*[\r\n]+\s*/g, " ")
    .replace(
      UNSAFE,
      (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
}

/** Formats a value as one line of JSON in which control characters and those that change the direction are escaped. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Cuts a text to a width and marks the cut with an ellipsis. */
export function truncate(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 1 ? text.slice(0, Math.max(0, width)) : `${text.slice(0, width - 1)}…`;
}

/** Wraps a paragraph into lines of at most `width` characters between words; a longer word is not broken. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((some) => some !== "")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" ? lines : [...lines, line];
}

/** Formats rows as lines of a table, the first row as its header: columns left-aligned, except for those in `right`. */
export function tableLines(rows: readonly (readonly string[])[], options: { right: readonly number[] }): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, i) => options.right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])).join("  ")
      .trimEnd()
  );
}

/** Formats a step of an image's history as one line, without the shell that builders add. */
export function stepText(createdBy: string): string {
  const step = createdBy.replace(/\s+# buildkit$/, "").replace(/^(RUN )?(\|\d+ .*?)?\/bin\/sh -c /, "");
  return oneLine(step.replace(/^#\(nop\)\s+/, ""));
}

/** Shortens a digest for display. */
export function shortDigest(digest: string): string {
  return oneLine(digest.slice(0, digest.indexOf(":") + 13));
}
