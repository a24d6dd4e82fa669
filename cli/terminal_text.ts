/** Converts any text into one line that can't move the cursor: control characters become escapes. */
export function oneLine(text: string): string {
  return text.trim()
    .replace(/\s*[\r\n]+\s*/g, " ")
    // Includes the characters that change the direction of text, which can disguise its content.
    .replace(
      /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu,
      (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
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
