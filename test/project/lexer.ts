// Just enough of a TypeScript lexer to tell names, strings and imports from comments.

/** A piece of source text that is neither a comment nor white space. */
export interface Token {
  /** `text` is the inside of a string or the fixed text of a template, `mark` a single character of anything else. */
  kind: "name" | "text" | "regexp" | "number" | "mark";
  value: string;
  /** The index in the source of its first character. */
  at: number;
}

/** A comment with its `//` or `/*`. */
export interface Comment {
  value: string;
  /** The index in the source of its first character. */
  at: number;
}

interface Found {
  tokens: Token[];
  comments: Comment[];
}

const WORD = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\d[\w.]*/y;
const REGEXP = /\/(?:[^\\/[\n]|\\.|\[(?:[^\\\]\n]|\\.)*\])+\/[a-z]*/y;
/** A slash after one of these begins a regular expression, as it does after a mark other than `)`, `]` and `}`. */
const BEFORE_REGEXP = new Set(["return", "typeof", "case", "in", "of", "delete", "void", "throw", "await", "yield"]);

/** Splits source text into tokens. */
export function tokens(source: string): Token[] {
  return lexed(source).tokens;
}

/** Returns the comments of a source text in their order. */
export function comments(source: string): Comment[] {
  return lexed(source).comments;
}

function lexed(source: string): Found {
  const found: Found = { tokens: [], comments: [] };
  lex(source, 0, found, false);
  return found;
}

/** Lexes from `at` to the end, or to the `}` that closes a template's `${`, and returns the index where it stopped. */
function lex(source: string, at: number, found: Found, inTemplate: boolean): number {
  let depth = 0;
  while (at < source.length) {
    const char = source[at];
    if (/\s/.test(char)) {
      at++;
    } else if (source.startsWith("//", at)) {
      at = pushComment(found, source, at, "\n");
    } else if (source.startsWith("/*", at)) {
      at = pushComment(found, source, at, "*/");
    } else if (char === '"' || char === "'") {
      at = lexString(source, at, found);
    } else if (char === "`") {
      at = lexTemplate(source, at, found);
    } else if (char === "/" && regexpMayFollow(found.tokens.at(-1)) && match(REGEXP, source, at) !== "") {
      at = push(found, "regexp", match(REGEXP, source, at), at);
    } else if (match(WORD, source, at) !== "") {
      at = push(found, "name", match(WORD, source, at), at);
    } else if (match(NUMBER, source, at) !== "") {
      at = push(found, "number", match(NUMBER, source, at), at);
    } else {
      if (char === "{") depth++;
      if (char === "}" && depth-- === 0 && inTemplate) return at;
      at = push(found, "mark", char, at);
    }
  }
  return at;
}

function lexString(source: string, at: number, found: Found): number {
  const quote = source[at];
  let end = at + 1;
  // A string ends with its line at the latest, as the text between JSX tags may hold a lone apostrophe.
  while (end < source.length && source[end] !== quote && source[end] !== "\n") end += source[end] === "\\" ? 2 : 1;
  found.tokens.push({ kind: "text", value: source.slice(at + 1, end), at });
  return end + 1;
}

function lexTemplate(source: string, at: number, found: Found): number {
  let start = at + 1;
  let end = start;
  while (end < source.length && source[end] !== "`") {
    if (source.startsWith("${", end)) {
      found.tokens.push({ kind: "text", value: source.slice(start, end), at: start });
      start = end = lex(source, end + 2, found, true) + 1;
    } else {
      end += source[end] === "\\" ? 2 : 1;
    }
  }
  found.tokens.push({ kind: "text", value: source.slice(start, end), at: start });
  return end + 1;
}

function regexpMayFollow(last: Token | undefined): boolean {
  if (last === undefined) return true;
  if (last.kind === "name") return BEFORE_REGEXP.has(last.value);
  return last.kind === "mark" && !")]}".includes(last.value);
}

function match(pattern: RegExp, source: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0] ?? "";
}

function push(found: Found, kind: Token["kind"], value: string, at: number): number {
  found.tokens.push({ kind, value, at });
  return at + value.length;
}

function pushComment(found: Found, source: string, at: number, mark: string): number {
  const end = endOf(source, mark, at);
  found.comments.push({ value: source.slice(at, end), at });
  return end;
}

function endOf(source: string, end: string, at: number): number {
  const found = source.indexOf(end, at + 2);
  return found === -1 ? source.length : found + end.length;
}
