// The rule of CONTRIBUTING.md on the words of comments, messages and documents.

import { comments, tokens } from "./lexer.ts";

/**
 * Words that make a person of a program or leave out the subject, where plain technical English names the caller, the
 * registry or the value. `whose` is not among them: of things it is plain English, as in "a layer whose digest is known".
 */
const BANNED =
  /\b(?:who|whoever|whom|whomever|nobody|somebody|anybody|everybody|told|tells|said|says|whatever|wherever)\b/giu;

/** A piece of text to check, and the index of its first character in the file. */
interface Text {
  value: string;
  at: number;
}

/**
 * Finds banned words in a file and returns a line `path:line: word` for each. Reads all text of a document, the comments
 * of TypeScript, and the strings too of TypeScript of the package, as messages and help are strings.
 */
export function bannedWords(path: string, source: string): string[] {
  return textsOf(path, source)
    .flatMap(({ value, at }) =>
      [...value.matchAll(BANNED)].map((match) => ({ word: match[0].toLowerCase(), at: at + match.index }))
    )
    .sort((one, other) => one.at - other.at)
    .map(({ word, at }) => `${path}:${source.slice(0, at).split("\n").length}: ${word}`);
}

function textsOf(path: string, source: string): Text[] {
  if (path.endsWith(".md")) return [{ value: source, at: 0 }];
  if (path.startsWith("test/")) return comments(source);
  return [...comments(source), ...tokens(source).filter(({ kind }) => kind === "text")];
}
