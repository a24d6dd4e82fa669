import { UsageError } from "../src/errors.ts";
import type { Arguments, Flag, Flags, NumberFlag } from "./flag.ts";
import { flagName, FlagWords, isFlagWord } from "./flag_words.ts";
import { nearest } from "./suggest.ts";

/** A parsed command line. */
export interface ParsedWords {
  /** The value of every flag, on the command line or not, by its name in code. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** The value of every argument by its name in code. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** Options of {@linkcode parseWords}. */
export interface ParseWordsOptions {
  /** The positional arguments. */
  readonly args: Arguments;
  /** All valid flags, including the global ones. */
  readonly flags: Flags;
  /** Reads an environment variable. */
  readonly environment: (name: string) => string | undefined;
}

/**
 * Parses the words after a command's name. A flag has its value from the words, else from the environment, else from the
 * file that a flag names. Throws a `UsageError` for an unknown flag, for a missing or invalid value,
 * and for missing or superfluous arguments.
 */
export async function parseWords(words: readonly string[], options: ParseWordsOptions): Promise<ParsedWords> {
  const { flagWords, positional, given } = canonicalLine(words, options.flags);
  const parsed = given.size === 0 ? {} : await parseFlags(flagWords, options.flags);
  const sources: ValueSource[] = [
    { has: (key) => given.has(key), value: (key) => parsed[key], label: (key) => `--${flagName(key)}` },
    {
      has: (_key, flag) => inherited(flag, options.environment) !== undefined,
      value: (_, flag) => inherited(flag, options.environment),
      label: (_, flag) => `the environment variable ${flag.env}`,
    },
  ];
  const find = (key: string, flag: Flag) => {
    const source = sources.find((source) => source.has(key, flag));
    return source === undefined ? unset(flag) : convert(flag, source.value(key, flag), source.label(key, flag));
  };
  for (const [key, flag] of Object.entries(options.flags)) {
    if (flag.type !== "string" || !flag.isConfig) continue;
    const file = find(key, flag);
    if (file !== undefined) sources.push(await fileSource(String(file), options.flags));
  }
  const flags = Object.fromEntries(Object.entries(options.flags).map(([key, flag]) => [key, find(key, flag)]));
  return { flags, args: assignArguments(positional, options.args) };
}

/** A source of the values of flags. An earlier one wins. */
interface ValueSource {
  has(key: string, flag: Flag): boolean;
  value(key: string, flag: Flag): unknown;
  label(key: string, flag: Flag): string;
}

async function fileSource(file: string, flags: Flags): Promise<ValueSource> {
  const { readConfig } = await import("./config_file.ts");
  const values = await readConfig(
    file,
    Object.fromEntries(Object.entries(flags).filter(([, flag]) => mayBeInFile(flag))),
  );
  return {
    has: (key) => values.has(key),
    value: (key) => values.get(key),
    label: (key) => `${file}: ${flagName(key)}`,
  };
}

/** Returns whether a file may set the flag: `--help` has nothing to set, and a file names no other one. */
function mayBeInFile(flag: Flag): boolean {
  return flag.short !== "h" && !(flag.type === "string" && flag.isConfig);
}

/** Parses the flags. The common case without flags does not load the parser. */
async function parseFlags(line: string[], flags: Flags): Promise<Record<string, unknown>> {
  const { parseArgs } = await import("@std/cli/parse-args");
  const keysOf = (...types: Flag["type"][]) => Object.keys(flags).filter((key) => types.includes(flags[key].type));
  return parseArgs(line, {
    boolean: keysOf("boolean"),
    string: keysOf("string", "number", "strings"),
    collect: keysOf("strings"),
  });
}

/** A command line split into flags and arguments. */
interface CanonicalLine {
  /** Each flag as `--name=value`. */
  flagWords: string[];
  /** The arguments. */
  positional: string[];
  /** The names of the flags on the command line. */
  given: ReadonlySet<string>;
}

/**
 * Converts flags into the only form that parseArgs handles without guessing. It would turn `0123` into a number, drop
 * `foo=` of `-lfoo=bar` and `-x` of `--entrypoint -x`, consume an argument `true` after a boolean, and accept a missing
 * value as `""`.
 */
function canonicalLine(words: readonly string[], flags: Flags): CanonicalLine {
  const known = new FlagWords(flags);
  const given = new Set<string>();
  const flagWords: string[] = [];
  const positional: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index];
    if (word === "--") {
      positional.push(...words.slice(index + 1));
      break;
    }
    if (!isFlagWord(word)) {
      positional.push(word);
      continue;
    }
    for (const { key, flag, value } of known.read(word)) {
      if (value === undefined && index + 1 >= words.length) {
        throw new UsageError(`flag --${flagName(key)} needs a value`);
      }
      const text = value ?? words[++index];
      flagWords.push(`--${key}=${flag.type === "boolean" ? truth(text, `--${flagName(key)}`) : text}`);
      given.add(key);
    }
  }
  return { flagWords, positional, given };
}

function truth(text: string, source: string): boolean {
  if (/^(true|t|1)$/i.test(text)) return true;
  if (/^(false|f|0)$/i.test(text)) return false;
  throw new UsageError(`${source} must be true or false, not ${JSON.stringify(text)}`);
}

function inherited(flag: Flag, environment: ParseWordsOptions["environment"]): unknown {
  const value = flag.env === undefined ? undefined : environment(flag.env);
  if (value === undefined || value === "") return undefined;
  return flag.type === "strings" ? [value] : value;
}

function unset(flag: Flag): unknown {
  if (flag.type === "boolean") return flag.default ?? false;
  return flag.type === "strings" ? [] : flag.default;
}

function convert(flag: Flag, value: unknown, source: string): unknown {
  switch (flag.type) {
    case "boolean":
      return typeof value === "boolean" ? value : truth(String(value), source);
    case "string":
      return flag.choices === undefined ? value : oneOf(flag.choices, String(value), source);
    case "number":
      return wholeNumber(flag, String(value), source);
    case "strings":
      return flag.commas ? (value as string[]).flatMap(splitAtCommas) : value;
  }
}

function oneOf(choices: readonly string[], value: string, source: string): string {
  if (choices.includes(value)) return value;
  const near = nearest(value, choices);
  throw new UsageError(
    `${source} must be one of ${choices.join(", ")}, not ${JSON.stringify(value)}`,
    near === undefined ? {} : { hint: `did you mean ${near}?` },
  );
}

function wholeNumber(flag: NumberFlag, value: string, source: string): number {
  const minimum = flag.minimum ?? 0;
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : NaN;
  if (Number.isSafeInteger(number) && number >= minimum) return number;
  throw new UsageError(`${source} must be a whole number of at least ${minimum}, not ${JSON.stringify(value)}`);
}

/** Splits a line of comma-separated values; a field in double quotes may contain commas, and `""` for a quote. */
function splitAtCommas(text: string): string[] {
  if (!text.includes('"')) return text.split(",");
  const fields = text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"(?=,|$)|([^,]*))/g);
  return Array.from(fields, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
}

/** Assigns the words to the arguments: a repeated one takes all that the others do not need. */
function assignArguments(words: readonly string[], declared: Arguments): Record<string, unknown> {
  const entries = Object.entries(declared);
  const repeatedAt = entries.findIndex(([, argument]) => argument.repeated);
  const trailing = repeatedAt < 0 ? 0 : entries.length - 1 - repeatedAt;
  const required = entries.filter(([, argument]) => !argument.optional);
  if (words.length < required.length) {
    const missing = required.slice(words.length).map(([key, argument]) => argumentName(key, argument));
    throw new UsageError(`missing ${missing.length > 1 ? "arguments" : "argument"} ${missing.join(" and ")}`);
  }
  if (repeatedAt < 0 && words.length > entries.length) {
    const surplus = words[entries.length];
    throw new UsageError(`unexpected argument ${JSON.stringify(surplus)}`);
  }
  const assigned = entries.map(([key, argument], index): [string, unknown] => {
    if (argument.repeated) return [key, words.slice(index, words.length - trailing)];
    const word = repeatedAt >= 0 && index > repeatedAt ? words[words.length - (entries.length - index)] : words[index];
    if (word !== undefined && argument.choices) oneOf(argument.choices, word, argumentName(key, argument));
    return [key, word];
  });
  return Object.fromEntries(assigned);
}

/** Returns the name of an argument in the usage line. */
export function argumentName(key: string, argument: { readonly valueName?: string }): string {
  return argument.valueName ?? flagName(key).toUpperCase();
}
