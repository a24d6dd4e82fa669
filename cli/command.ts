import type { ConnectionOptions } from "../src/http/mod.ts";
import type { ByteStream } from "../src/runtime/mod.ts";
import type { Arguments, ArgumentValues, Flags, FlagValues } from "./flag.ts";
import type { GlobalFlags } from "./global_flags.ts";
import type { Ask } from "./io.ts";
import type { StandardOutput } from "./output.ts";
import type { ProgressListener } from "./progress.ts";
import type { RequestListener } from "./request_log.ts";

/** An example command with its description. */
export interface Example {
  /** The effect of the command, without a full stop. */
  readonly text: string;
  /** The command as typed, without a prompt. */
  readonly command: string;
}

/** No arguments, or no flags. */
type None = Readonly<Record<never, never>>;

/** The context of a command: its arguments and its access to the process. Without parameters, that of any command. */
export interface Context<A extends Arguments = None, F extends Flags = None> {
  /** The positional arguments. */
  readonly args: ArgumentValues<A>;
  /** The command's flags and the global ones; a command's flag hides a global one of the same name. */
  readonly flags: FlagValues<F> & Omit<GlobalFlags, keyof F>;
  /** Aborted by Ctrl-C, by SIGTERM, by SIGHUP and if the reader of standard output closes it. Pass it to every call. */
  readonly signal: AbortSignal;
  /** Standard output, only for data. */
  readonly stdout: StandardOutput;
  /** Opens standard input as bytes. @throws {UsageError} for the second time. */
  readonly stdin: () => ByteStream;
  /** Whether the habits of crane hold instead of gcrane's: bare tags in `ls`, and results that take the original's tag. */
  readonly asCrane: boolean;
  /** Reads an environment variable. */
  readonly environment: (name: string) => string | undefined;
  /** Returns the function that asks at the terminal, or `undefined` if standard input is not a terminal. */
  readonly ask: () => Ask | undefined;
  /** Writes an informational line to standard error. */
  readonly note: (message: string) => void;
  /** Reads the values of the flags again: the configuration file may have changed. */
  readonly rereadFlags: () => Promise<FlagValues<F>>;
  /** Calls a function on SIGHUP, which then does not end the run, and returns one that ends that. */
  readonly onHangUp: (handler: () => void) => () => void;
  /** Writes `Warning: …` to standard error, each text once. */
  readonly warn: (message: string) => void;
  /** Draws progress; `undefined` unless the command sets `transfers` and standard error is a terminal. */
  readonly onProgress: ProgressListener | undefined;
  /** Writes the request log; `undefined` without `--verbose`. */
  readonly onRequest: RequestListener | undefined;
  /** Replaces the runtime's `fetch`; tests inject a registry in memory. */
  readonly fetch: typeof fetch | undefined;
  /** The certificates of the flags, for every connection. */
  readonly certificates: Certificates;
  /** The program of the command, for help and completion. */
  readonly program: Program;
  /** The capabilities of standard output. */
  readonly display: Display;
}

/** Certificates in PEM: authorities to trust, the client's own and its key. */
export type Certificates = Pick<ConnectionOptions, "ca" | "cert" | "key">;

/** The capabilities of an output. */
export interface Display {
  /** The width in columns; 80 if it is not a terminal. */
  readonly columns: number;
  /** Whether to use ANSI colours: the output supports them and the user has not disabled them. */
  readonly color: boolean;
}

/** The declaration of a command; its name, aliases and summary are in the table. */
export interface CommandSpec<A extends Arguments, F extends Flags> {
  /** A longer description than the summary: paragraphs separated by an empty line. */
  readonly description?: string;
  /** The positional arguments. */
  readonly args?: A;
  /** The flags besides the global ones. */
  readonly flags?: F;
  /** At least one example. */
  readonly examples: readonly [Example, ...Example[]];
  /** Whether the command transfers enough bytes for a progress display. */
  readonly transfers?: boolean;
  /**
   * Whether an interrupted command ends by itself, takes the time it needs for that, and returns its own exit code, as
   * a server does.
   */
  readonly endsItself?: boolean;
  /** Runs the command. A number is the exit code, 0 by default. */
  readonly run: (context: Context<A, F>) => Promise<number | void>;
}

/** A command of any type, as the program runs it. */
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

/** Declares a command; the types of `context.args` and `context.flags` are inferred from `args` and `flags`. */
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

/** A command in the table: the properties that are needed before its file is loaded. */
export interface CommandEntry {
  /** The name on the command line. */
  readonly name: string;
  /** Other names for it. */
  readonly aliases?: readonly string[];
  /** One line for lists of commands, without a full stop. */
  readonly summary: string;
  /**
   * Subcommands of this command, as in `gc apply`: the next word decides.
   *
   * @default none
   */
  readonly below?: readonly CommandEntry[];
  /** Loads the command's file. */
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** A group of commands: `auth` of `auth login`. */
export interface GroupEntry {
  /** The name on the command line. */
  readonly name: string;
  /** Other names for it. */
  readonly aliases?: readonly string[];
  /** One line for lists of commands, without a full stop. */
  readonly summary: string;
  /** The commands in the order of the help. */
  readonly entries: readonly Entry[];
}

/** An entry of the table. */
export type Entry = CommandEntry | GroupEntry;

/** A command line program. */
export interface Program {
  /** The name on the command line. */
  readonly name: string;
  /** One line on its purpose. */
  readonly summary: string;
  /** The flags of every command. */
  readonly flags: Flags;
  /** Examples for new users. */
  readonly examples: readonly Example[];
  /** The commands in the order of the help. */
  readonly entries: readonly Entry[];
}
