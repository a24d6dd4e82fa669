import type { Command, Entry, Program } from "../command.ts";
import type { Argument, Completes, Flag, Flags } from "../flag.ts";
import { flagName } from "../flag_words.ts";
import { isCommandEntry } from "../resolve.ts";

/** A flag as shells see it. */
export interface CompletionFlag {
  /** `--name` */
  readonly long: string;
  /** `-n`, if it has a short form. */
  readonly short: string | undefined;
  /** What it does. */
  readonly help: string;
  /** What follows it; `undefined` where nothing does. */
  readonly value: CompletionValue | undefined;
  /** Whether it may be repeated. */
  readonly repeated: boolean;
}

/** What a shell may offer for a value. */
export interface CompletionValue {
  /** What the help calls it. */
  readonly name: string;
  /** Words to offer; mostly the only values allowed. */
  readonly choices: readonly string[];
  /** Paths, where it is one. */
  readonly completes: Completes | undefined;
  /** Whether it is taken any number of times: only true of an argument. */
  readonly repeated: boolean;
}

/** The program, a group or a command as shells see it. */
export interface CompletionNode {
  /** The names from the program down. */
  readonly path: readonly string[];
  /** What follows, for the program and for groups; for a command what may stand in the place of its first argument. */
  readonly entries: readonly Entry[];
  /** Its flags, the global ones among them. */
  readonly flags: readonly CompletionFlag[];
  /** Its arguments. */
  readonly args: readonly CompletionValue[];
}

/** Returns every node of a program, parents before their children; it loads every command. */
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
