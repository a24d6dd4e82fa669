// Finds in documents what has to exist: links, commands of gcrane with their flags, and tasks.

import { resolveCommand } from "../../cli/resolve.ts";
import { isCommandEntry } from "../../cli/resolve.ts";
import { FlagWords, isFlagWord } from "../../cli/flag_words.ts";
import { gcrane } from "../../cli/table.ts";

/** A piece of a document, and its line. */
export interface Piece {
  readonly line: number;
  readonly text: string;
}

/** The lines of the fenced blocks of a document, without comments, continued lines in one. */
export function blockLines(document: string): Piece[] {
  return [...document.matchAll(/^ *```(?:sh|console|yaml|bash|powershell)\n(.*?)^ *```/gms)].flatMap((match) => {
    const first = lineAt(document, match.index) + 1;
    const pieces: { line: number; text: string }[] = [];
    let continues = false;
    for (const [index, raw] of match[1].split("\n").entries()) {
      const text = raw.replace(/(^|\s)#.*$/, "").trimEnd();
      if (continues) pieces[pieces.length - 1].text += ` ${text.replace(/\\$/, "").trim()}`;
      else pieces.push({ line: first + index, text: text.replace(/\\$/, "") });
      continues = text.endsWith("\\");
    }
    return pieces.filter(({ text }) => text.trim() !== "");
  });
}

/** The inline code of a document outside of its fenced blocks. */
export function inlineCode(document: string): Piece[] {
  return [...withoutBlocks(document).matchAll(/`([^`]+)`/g)].map((match) => ({
    line: lineAt(document, match.index),
    text: match[1].replaceAll("\\|", "|").replace(/\s+/g, " "),
  }));
}

/** The targets of the links and pictures of a document. */
export function links(document: string): Piece[] {
  const text = withoutBlocks(document).replace(/`[^`\n]+`/g, (code) => "_".repeat(code.length));
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({
    line: lineAt(document, match.index),
    text: match[1],
  }));
}

/** The anchors of the headings of a document, as GitHub and the site make them. */
export function anchors(document: string): Set<string> {
  return new Set(
    [...withoutBlocks(document).matchAll(/^#+ +(.*)$/gm)].map(([, heading]) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").trim().replaceAll(" ", "-")
    ),
  );
}

/** The command lines of gcrane in a line of shell: the words after `gcrane`. */
export function commandLines(line: string): string[][] {
  const words = [...line.matchAll(/'[^']*'|"[^"]*"|&&|\|\||[|;&()]|<\(|>>?|<(?!\()|[^\s|;&()<>]+/g)].map(([word]) =>
    word
  );
  const found: string[][] = [];
  let current: string[] | undefined;
  for (const [index, word] of words.entries()) {
    const before = words[index - 1];
    const starts = before === undefined || /^(?:[|;&(]|&&|\|\||\$|<\(|\$|[A-Z_]+=.*|xargs|-y|--|do|run:)$/.test(before);
    if (word === "gcrane" && starts) found.push(current = []);
    else if (/^(?:[|;&()]|&&|\|\||[<>]+)$/.test(word)) current = undefined;
    else current?.push(word.replace(/^(['"])(.*)\1$/, "$2"));
  }
  return found;
}

/** Returns what is wrong with the words after `gcrane`: an unknown command or flag; `undefined` if nothing is. */
export async function faultOfCommand(words: readonly string[]): Promise<string | undefined> {
  try {
    const { entry, words: rest } = resolveCommand(gcrane, words);
    const own = entry !== undefined && isCommandEntry(entry) ? (await entry.load()).command.flags : {};
    const known = new FlagWords(gcrane.flags, own);
    for (let index = 0; index < rest.length && rest[index] !== "--"; index++) {
      if (isFlagWord(rest[index]) && known.read(rest[index]).at(-1)?.value === undefined) index++;
    }
  } catch (error) {
    return (error as Error).message;
  }
}

function withoutBlocks(document: string): string {
  return document.replace(/^ *```.*?^ *```/gms, (block) => block.replace(/[^\n]/g, " "));
}

function lineAt(document: string, index: number): number {
  return document.slice(0, index).split("\n").length;
}
