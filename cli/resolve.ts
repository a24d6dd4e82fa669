import { UsageError } from "../src/errors.ts";
import type { CommandEntry, Entry, Program } from "./command.ts";
import { FlagWords, isFlagWord } from "./flag_words.ts";
import { nearest } from "./suggest.ts";

/** The command of a command line. */
export interface Resolved {
  /** The names from the program to the entry, with aliases replaced. */
  readonly path: readonly string[];
  /** The command or group; `undefined` for the program itself. */
  readonly entry: Entry | undefined;
  /** The words other than the command's name. */
  readonly words: readonly string[];
}

/** Returns whether an entry is a command and not a group. */
export function isCommandEntry(entry: Entry): entry is CommandEntry {
  return "load" in entry;
}

/** Finds the command of a command line; global flags may stand before and between its words. */
export function resolveCommand(program: Program, words: readonly string[]): Resolved {
  const globals = new FlagWords(program.flags);
  const path = [program.name];
  const flagWords: string[] = [];
  let entry: Entry | undefined;
  let entries = program.entries;
  let index = 0;
  for (; index < words.length && words[index] !== "--"; index++) {
    const word = words[index];
    if (isFlagWord(word)) {
      flagWords.push(word);
      const valueFollows = globals.read(word).at(-1)?.value === undefined;
      if (valueFollows && index + 1 < words.length) flagWords.push(words[++index]);
      continue;
    }
    entry = findEntry(entries, path, word);
    path.push(entry.name);
    if (isCommandEntry(entry)) {
      const below = entry.below?.find(({ name }) => name === words[index + 1]);
      if (!below) return { path, entry, words: [...flagWords, ...words.slice(index + 1)] };
      return { path: [...path, below.name], entry: below, words: [...flagWords, ...words.slice(index + 2)] };
    }
    entries = entry.entries;
  }
  return { path, entry, words: [...flagWords, ...words.slice(index)] };
}

function findEntry(entries: readonly Entry[], path: readonly string[], word: string): Entry {
  const found = entries.find((entry) => entry.name === word || entry.aliases?.includes(word));
  if (found !== undefined) return found;
  const near = nearest(word, entries.flatMap((entry) => [entry.name, ...entry.aliases ?? []]));
  const hint = near === undefined
    ? `${path.join(" ")} --help lists the commands`
    : `did you mean ${[...path, near].join(" ")}?`;
  throw new UsageError(`unknown command ${JSON.stringify([...path.slice(1), word].join(" "))}`, { hint });
}
