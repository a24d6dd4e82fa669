import type { Command, Entry, Program } from "../command.ts";
import type { Argument, Completes, Flag, Flags } from "../flag.ts";
import { flagName } from "../flag_words.ts";
import { isCommandEntry } from "../resolve.ts";

/** A flag for shell completion. */
export interface CompletionFlag {
  /** `--name` */
  readonly long: string;
  /** `-n`, if it has a short form. */
  readonly short: string | undefined;
  /** Its help text. */
  readonly help: string;
  /** Its value, if it takes one. */
  readonly value: CompletionValue | undefined;
  /** Whether it may be repeated. */
  readonly repeated: boolean;
}

/** The completion of a value. */
export interface CompletionValue {
  /** Its name in the help. */
  readonly name: string;
  /** The words to complete; for most values the only valid ones. */
  readonly choices: readonly string[];
  /** The kind of path to complete, if it is one. */
  readonly completes: Completes | undefined;
  /** Whether it takes any number of words; only for an argument. */
  readonly repeated: boolean;
}

/** The program, a group or a command for shell completion. */
export interface CompletionNode {
  /** The names from the program downwards. */
  readonly path: readonly string[];
  /** The entries of the program or a group; for a command the words for its first argument. */
  readonly entries: readonly Entry[];
  /** The flags, including the global ones. */
  readonly flags: readonly CompletionFlag[];
  /** The arguments. */
  readonly args: readonly CompletionValue[];
}

/** Returns every node of a program, parents before their children. Loads every command. */
export async function completionNodes(program: Program): Promise<CompletionNode[]> {
  const flags = completionFlags(program.flags);
  const top: CompletionNode = { path: [program.name], entries: program.entries, flags, args: [] };
  return [top, ...await nodesBelow(top, program)];
}

async function nodesBelow(parent: CompletionNode, program: Program): Promise<CompletionNode[]> {
  const nodes = parent.entries.map(async (entry) => {
    const path = [...parent.path, entry.name];
    const node = isCommandEntry(entry)
      ? commandNode({ path, entries: entry.below ?? [] }, (await entry.load()).command, program)
      : { path, entries: entry.entries, flags: completionFlags(program.flags), args: [] };
    return [node, ...await nodesBelow(node, program)];
  });
  return (await Promise.all(nodes)).flat();
}

function commandNode(
  place: Pick<CompletionNode, "path" | "entries">,
  command: Command,
  program: Program,
): CompletionNode {
  const args = Object.entries(command.args).map(([key, argument]) => argumentValue(key, argument));
  return { ...place, flags: completionFlags({ ...program.flags, ...command.flags }), args };
}

function completionFlags(flags: Flags): CompletionFlag[] {
  return Object.entries(flags).filter(([, flag]) => !flag.hidden).map(([key, flag]) => ({
    long: `--${flagName(key)}`,
    short: flag.short === undefined ? undefined : `-${flag.short}`,
    help: flag.help,
    value: flagValue(flag),
    repeated: flag.type === "strings",
  }));
}

function flagValue(flag: Flag): CompletionValue | undefined {
  if (flag.type === "boolean") return undefined;
  return {
    name: flag.valueName,
    choices: (flag.type === "string" ? flag.choices : flag.type === "strings" ? flag.offers : undefined) ?? [],
    completes: flag.type === "number" ? undefined : flag.completes,
    repeated: false,
  };
}

function argumentValue(key: string, argument: Argument): CompletionValue {
  return {
    name: argument.valueName ?? flagName(key).toUpperCase(),
    choices: argument.choices ?? [],
    completes: argument.completes,
    repeated: argument.repeated ?? false,
  };
}
