import type { ByteStream } from "../src/runtime/mod.ts";
import type { Arguments, ArgumentValues, Flags, FlagValues } from "./flag.ts";
import type { GlobalFlags } from "./global_flags.ts";
import type { Ask } from "./io.ts";
import type { StandardOutput } from "./output.ts";
import type { ProgressListener } from "./progress.ts";
import type { RequestListener } from "./request_log.ts";

/** A line to try, with what it does. */
export interface Example {
  /** What the command does, without a full stop. */
  readonly text: string;
  /** The command as typed, without a prompt. */
  readonly command: string;
}

/** No arguments, or no flags. */
type None = Readonly<Record<never, never>>;

/** What a command has to work with: its arguments and its connections to the world. Without parameters: of any one. */
export interface Context<A extends Arguments = None, F extends Flags = None> {
  /** The positional arguments. */
  readonly args: ArgumentValues<A>;
  /** The command's flags and the global ones; one of the command's own hides the global one of the same name. */
  readonly flags: FlagValues<F> & Omit<GlobalFlags, keyof F>;
  /** Aborted by Ctrl-C, by SIGTERM and when nobody reads standard output any more: pass it to everything. */
  readonly signal: AbortSignal;
  /** Standard output, for data alone. */
  readonly stdout: StandardOutput;
  /** Standard input as bytes. */
  readonly stdin: () => ByteStream;
  /** Reads an environment variable. */
  readonly environment: (name: string) => string | undefined;
  /** Gives what asks on the terminal; `undefined` where standard input is none. */
  readonly ask: () => Ask | undefined;
  /** Writes a line of information on standard error. */
  readonly note: (message: string) => void;
  /** Writes `Warning: …` on standard error, each text once. */
  readonly warn: (message: string) => void;
  /** Draws progress; `undefined` unless the command says `transfers` and somebody can see it. */
  readonly onProgress: ProgressListener | undefined;
  /** Writes the request log; `undefined` without `--verbose`. */
  readonly onRequest: RequestListener | undefined;
  /** Used instead of the runtime's `fetch`; tests put a registry in memory here. */
  readonly fetch: typeof fetch | undefined;
  /** The program the command belongs to, for help and completion. */
  readonly program: Program;
  /** What standard output can show. */
  readonly display: Display;
}

/** What an output can show. */
export interface Display {
  /** Its width in columns; 80 where it is not a terminal. */
  readonly columns: number;
  /** Whether it understands ANSI colours and the user wants them. */
  readonly color: boolean;
}

/** A command as its file declares it; its name, aliases and summary stand in the table. */
export interface CommandSpec<A extends Arguments, F extends Flags> {
  /** More than the summary says: paragraphs separated by an empty line. */
  readonly description?: string;
  /** The positional arguments. */
  readonly args?: A;
  /** The flags besides the global ones. */
  readonly flags?: F;
  /** At least one. */
  readonly examples: readonly [Example, ...Example[]];
  /** Whether it moves enough bytes to draw progress for. */
  readonly transfers?: boolean;
  /**
   * Whether it ends by itself when it is interrupted, takes the time that it needs for that, and has its own exit code
   * then, as a server does.
   */
  readonly endsItself?: boolean;
  /** Does the work; a number is the exit code, 0 without one. */
  readonly run: (context: Context<A, F>) => Promise<number | void>;
}

/** A command of any shape, as the program runs it. */
export interface Command {
  /** See {@linkcode CommandSpec}. */
  readonly description?: string;
  /** See {@linkcode CommandSpec}. */
  readonly args: Arguments;
  /** See {@linkcode CommandSpec}. */
  readonly flags: Flags;
  /** See {@linkcode CommandSpec}. */
  readonly examples: readonly Example[];
  /** See {@linkcode CommandSpec}. */
  readonly transfers: boolean;
  /** See {@linkcode CommandSpec}. */
  readonly endsItself: boolean;
  /** See {@linkcode CommandSpec}. */
  readonly run: (context: Context) => Promise<number | void>;
}

/** Declares a command; the types of `context.args` and `context.flags` follow from `args` and `flags`. */
export function command<const A extends Arguments = None, const F extends Flags = None>(
  spec: CommandSpec<A, F>,
): Command {
  return {
    description: spec.description,
    args: spec.args ?? {},
    flags: spec.flags ?? {},
    examples: spec.examples,
    transfers: spec.transfers ?? false,
    endsItself: spec.endsItself ?? false,
    run: spec.run as unknown as Command["run"],
  };
}

/** A command in the table: what is known of it before its file is loaded. */
export interface CommandEntry {
  /** What is typed. */
  readonly name: string;
  /** Other names for it. */
  readonly aliases?: readonly string[];
  /** One line for lists of commands, without a full stop. */
  readonly summary: string;
  /**
   * Commands that its name stands before, as in `gc apply`: the word after it decides.
   * @default none
   */
  readonly below?: readonly CommandEntry[];
  /** Loads the command's file. */
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** A word that more words follow: `auth` of `auth login`. */
export interface GroupEntry {
  /** What is typed. */
  readonly name: string;
  /** Other names for it. */
  readonly aliases?: readonly string[];
  /** One line for lists of commands, without a full stop. */
  readonly summary: string;
  /** Its commands in the order of the help. */
  readonly entries: readonly Entry[];
}

/** A row of the table. */
export type Entry = CommandEntry | GroupEntry;

/** A whole command line tool. */
export interface Program {
  /** What is typed. */
  readonly name: string;
  /** One line on what it is for. */
  readonly summary: string;
  /** The flags of every command. */
  readonly flags: Flags;
  /** Lines to begin with. */
  readonly examples: readonly Example[];
  /** Its commands in the order of the help. */
  readonly entries: readonly Entry[];
}
