/**
 * The pattern of one label of a host: `*` for any characters, `?` for one, `[a-c]` and `[^a-c]` for one of a class, `\`
 * before a character that means itself. `undefined` for a pattern that is broken, which matches nothing.
 */
export function labelGlob(pattern: string): RegExp | undefined {
  const characters = Array.from(pattern);
  let source = "";
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at];
    if (character === "*") source += ".*";
    else if (character === "?") source += ".";
    else if (character === "[") {
      const found = characterClass(characters, at + 1);
      if (found === undefined) return undefined;
      source += found.source;
      at = found.end;
    } else if (character === "\\") {
      if (++at === characters.length) return undefined;
      source += quoted(characters[at]);
    } else source += quoted(character);
  }
  return new RegExp(`^${source}$`, "su");
}

/** Reads a class up to its `]`; `undefined` if it is empty, not closed, or has a range without an end. */
function characterClass(characters: readonly string[], start: number): { source: string; end: number } | undefined {
  let at = start;
  const negated = characters[at] === "^";
  if (negated) at++;
  let source = "";
  const member = (): string | undefined => {
    if (characters[at] === "\\") at++;
    else if (characters[at] === "-" || characters[at] === "]") return undefined;
    return characters[at++];
  };
  while (source === "" || characters[at] !== "]") {
    const low = member();
    if (low === undefined) return undefined;
    let high: string | undefined = low;
    if (characters[at] === "-") {
      at++;
      high = member();
      if (high === undefined) return undefined;
    }
    // A range that runs backwards holds nothing, and NUL is in no host.
    source += low <= high ? `${quoted(low)}-${quoted(high)}` : quoted("\0");
  }
  return { source: `[${negated ? "^" : ""}${source}]`, end: at };
}

function quoted(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
