import { UsageError } from "../src/errors.ts";
import type { Flag, Flags } from "./flag.ts";
import { nearest } from "./suggest.ts";

/** One use of a flag on the command line. */
export interface FlagUse {
  /** The flag's name in code. */
  readonly key: string;
  /** Its declaration. */
  readonly flag: Flag;
  /** The value as typed, or `undefined` if the next word is the value. */
  readonly value: string | undefined;
}

/** Returns a flag's name on the command line: `noClobber` becomes `no-clobber`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Returns a flag with a value as it is typed in a shell. */
export function flagText(key: string, value: string | number): string {
  const text = `${value}`;
  const isPlain = /^[\w.,:/=@+-]+$/.test(text);
  return `--${flagName(key)} ${isPlain ? text : quoted(text)}`;
}

/** Returns a text as one word of a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns whether a word is a flag and not an argument: `-` alone is an argument for standard input or output. */
export function isFlagWord(word: string): boolean {
  return word.length > 1 && word.startsWith("-");
}

/**
 * Parses words by declared flags. The declarations show which flags take a value, so nothing is guessed: the next word
 * is the value even if it begins with a dash or looks like a number.
 */
export class FlagWords {
  readonly #byName = new Map<string, [key: string, flag: Flag]>();
  readonly #byShort = new Map<string, [key: string, flag: Flag]>();

  /** Later flags hide earlier ones of the same name. */
  constructor(...flags: Flags[]) {
    for (const [key, flag] of flags.flatMap((some) => Object.entries(some))) {
      this.#byName.set(flagName(key), [key, flag]);
      if (flag.short !== undefined) this.#byShort.set(flag.short, [key, flag]);
    }
  }

  /**
   * Returns the flags in one word, which is several for combined short ones. Throws a `UsageError` for an unknown flag.
   */
  read(word: string): FlagUse[] {
    return word.startsWith("--") ? [this.#readLong(word)] : this.#readShort(word);
  }

  #readLong(word: string): FlagUse {
    const equals = word.indexOf("=");
    const typed = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    // Crane has some flags with an underscore, `--new_layer`; both forms are accepted.
    const name = typed.replaceAll("_", "-");
    const found = this.#byName.get(name);
    if (found !== undefined) {
      const [key, flag] = found;
      return { key, flag, value: value ?? (flag.type === "boolean" ? "true" : undefined) };
    }
    const negated = name.startsWith("no-") ? this.#byName.get(name.slice(3)) : undefined;
    if (negated !== undefined && negated[1].type === "boolean" && value === undefined) {
      return { key: negated[0], flag: negated[1], value: "false" };
    }
    throw this.#unknown(`--${typed}`, name);
  }

  #readShort(word: string): FlagUse[] {
    const uses: FlagUse[] = [];
    for (let at = 1; at < word.length; at++) {
      const found = this.#byShort.get(word[at]);
      // Three letters and more may be a long flag with one dash.
      if (found === undefined) throw this.#unknown(`-${word[at]}`, word.length > 3 ? word.slice(1) : "");
      const [key, flag] = found;
      const rest = word.slice(at + 1);
      if (rest.startsWith("=")) return [...uses, { key, flag, value: rest.slice(1) }];
      if (flag.type === "boolean") uses.push({ key, flag, value: "true" });
      else return [...uses, { key, flag, value: rest === "" ? undefined : rest }];
    }
    return uses;
  }

  #unknown(shown: string, name: string): UsageError {
    const visible = [...this.#byName].filter(([, [, flag]]) => !flag.hidden).map(([long]) => long);
    const near = nearest(name, visible);
    return new UsageError(`unknown flag ${shown}`, near === undefined ? {} : { hint: `did you mean --${near}?` });
  }
}
