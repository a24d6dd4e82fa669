import type { Command, Display, Entry, Example, Program } from "./command.ts";
import type { Argument, Flag, Flags } from "./flag.ts";
import { flagName } from "./flag_words.ts";
import { argumentName } from "./parse_words.ts";
import { isCommandEntry, type Resolved } from "./resolve.ts";
import { wrap } from "./terminal_text.ts";

/** Returns the help of a program, of a group or of a command, whose files it loads. */
export async function helpText(program: Program, { path, entry }: Resolved, display: Display): Promise<string> {
  const page = new Page(display);
  if (entry !== undefined && isCommandEntry(entry)) {
    commandHelp(page, { program, path, entry, command: (await entry.load()).command });
  } else {
    await listHelp(page, { program, path, entry });
  }
  return page.text();
}

/** Returns the usage of a command: `gcrane copy [flags] SRC DST`. */
export function usageLine(path: readonly string[], command: Command): string {
  const words = Object.entries(command.args).map(([key, argument]) => usageWord(argumentName(key, argument), argument));
  return [...path, "[flags]", ...words].join(" ");
}

function usageWord(name: string, { optional, repeated }: Argument): string {
  const word = repeated ? `${name}...` : name;
  return optional ? `[${word}]` : word;
}

function commandHelp(
  page: Page,
  { program, path, entry, command }: { program: Program; path: readonly string[]; entry: Entry; command: Command },
): void {
  page.paragraph(`${entry.summary}.`);
  page.heading("Usage:", usageLine(path, command));
  if (entry.aliases?.length) page.heading(entry.aliases.length > 1 ? "Aliases:" : "Alias:", entry.aliases.join(", "));
  for (const paragraph of command.description?.split(/\n\s*\n/) ?? []) page.paragraph(paragraph);
  page.section(
    "Commands",
    (isCommandEntry(entry) ? entry.below ?? [] : []).map(({ name, summary }) => [[...path, name].join(" "), summary]),
  );
  page.section(
    "Arguments",
    Object.entries(command.args).map(([key, argument]) => [argumentName(key, argument), argument.help]),
  );
  page.section("Flags", flagRows(command.flags));
  page.examples(command.examples);
  const globals = Object.entries(program.flags).filter(([key]) => !(key in command.flags));
  page.section("Global flags", flagRows(Object.fromEntries(globals)));
}

async function listHelp(
  page: Page,
  { program, path, entry }: { program: Program; path: readonly string[]; entry: Entry | undefined },
): Promise<void> {
  const group = entry !== undefined && !isCommandEntry(entry) ? entry : program;
  page.paragraph(`${group.summary}.`);
  page.heading("Usage:", `${path.join(" ")} [flags] COMMAND`);
  page.section(
    "Commands",
    group.entries.map(({ name, aliases = [], summary }) => [[name, ...aliases].join(", "), summary]),
  );
  page.section("Global flags", flagRows(program.flags));
  page.examples(group === program ? program.examples : await firstExamples(group.entries));
  page.paragraph(`${path.join(" ")} COMMAND --help shows the help of a command.`);
}

async function firstExamples(entries: readonly Entry[]): Promise<Example[]> {
  const commands = await Promise.all(entries.filter(isCommandEntry).map((entry) => entry.load()));
  return commands.flatMap(({ command }) => command.examples.slice(0, 1));
}

/** Returns flags as rows of a help page: their form, and their description. */
export function flagRows(flags: Flags): [string, string][] {
  return Object.entries(flags).filter(([, flag]) => !flag.hidden).map(([key, flag]) => {
    const short = flag.short === undefined ? "    " : `-${flag.short}, `;
    const value = flag.type === "boolean" ? "" : ` ${flag.valueName}`;
    return [`${short}--${flagName(key)}${value}`, [flag.help, ...remarks(flag)].join(" ")];
  });
}

function remarks(flag: Flag): string[] {
  const found: string[] = [];
  if (flag.type === "string" && flag.choices) found.push(`one of ${flag.choices.join(", ")}`);
  if (flag.type === "strings") found.push(flag.commas ? "may be repeated or contain commas" : "may be repeated");
  if ("default" in flag && flag.default !== undefined) found.push(`default ${flag.default}`);
  if (flag.env !== undefined) found.push(`or from $${flag.env}`);
  return found.length === 0 ? [] : [`(${found.join("; ")})`];
}

/** Text that is laid out for a width. */
class Page {
  readonly #width: number;
  readonly #color: boolean;
  readonly #blocks: string[] = [];

  constructor({ columns, color }: Display) {
    // Lines much longer than this are hard to read.
    this.#width = Math.max(40, Math.min(columns, 110));
    this.#color = color;
  }

  text(): string {
    return `${this.#blocks.join("\n\n")}\n`;
  }

  paragraph(text: string): void {
    this.#blocks.push(wrap(text, this.#width).join("\n"));
  }

  /** Adds a bold word with text after it. */
  heading(title: string, text: string): void {
    const line = `${this.#bold(title)} ${text}`;
    if (title.startsWith("Alias")) this.#blocks[this.#blocks.length - 1] += `\n${line}`;
    else this.#blocks.push(line);
  }

  /** Adds rows of two columns. The second column is wrapped, and starts below the first if that is too long. */
  section(title: string, rows: readonly (readonly [string, string])[]): void {
    if (rows.length === 0) return;
    const limit = Math.floor(this.#width * 0.4);
    const indent = Math.max(...rows.map(([left]) => left.length).filter((length) => length <= limit)) + 4;
    const lines = rows.flatMap(([left, right]) => {
      const [first = "", ...more] = wrap(right, this.#width - indent);
      const start = `  ${left}`;
      const head = start.length + 2 <= indent ? [start.padEnd(indent) + first] : [start, " ".repeat(indent) + first];
      return [...head, ...more.map((line) => " ".repeat(indent) + line)];
    });
    this.#blocks.push([this.#bold(`${title}:`), ...lines].join("\n"));
  }

  examples(examples: readonly Example[]): void {
    const blocks = examples.map(({ text, command }) =>
      [...wrap(text, this.#width - 4).map((line) => `  # ${line}`), `  ${command}`].join("\n")
    );
    this.#blocks.push([this.#bold(examples.length > 1 ? "Examples:" : "Example:"), blocks.join("\n\n")].join("\n"));
  }

  #bold(text: string): string {
    return this.#color ? `\x1b[1m${text}\x1b[0m` : text;
  }
}
