import { HttpError, NameError, NetworkError, UsageError } from "../src/errors.ts";
import type { Certificates, Command, Context, Display, Program } from "./command.ts";
import type { GlobalFlags } from "./global_flags.ts";
import { interruptCode, Interruption } from "./interruption.ts";
import type { Io } from "./io.ts";
import { StandardOutput } from "./output.ts";
import { type ParsedWords, parseWords } from "./parse_words.ts";
import type { ProgressDisplay } from "./progress.ts";
import type { RequestListener } from "./request_log.ts";
import { isCommandEntry, resolveCommand, type Resolved } from "./resolve.ts";

/** Runs one command line of a program and returns the exit code. It never throws. */
export async function runProgram(program: Program, words: readonly string[], io: Io): Promise<number> {
  return await new Run(program, io).toEnd(words);
}

const CERTIFICATE_FLAGS = ["caCert", "clientCert", "clientKey"] as const satisfies readonly (keyof GlobalFlags)[];

/** The run of one command line. */
class Run {
  readonly #program: Program;
  readonly #isCalledCrane: boolean;
  readonly #io: Io;
  readonly #stdout: StandardOutput;
  readonly #interruption: Interruption;
  readonly #warnings = new Set<string>();
  #progress: ProgressDisplay | undefined;
  #resolved: Resolved | undefined;
  #command: Command | undefined;
  #args: ParsedWords["args"] = {};
  #verbose = false;

  constructor(program: Program, io: Io) {
    this.#io = io;
    this.#isCalledCrane = io.programNames?.().includes("crane") ?? false;
    this.#program = this.#isCalledCrane ? { ...program, name: "crane" } : program;
    this.#interruption = new Interruption(io);
    this.#stdout = new StandardOutput(io.stdout, {
      onFailure: (error) => this.#interruption.stop(error),
      // Bars and data would mix on one terminal.
      beforeWrite: () => this.#progress?.clear(),
    });
  }

  async toEnd(words: readonly string[]): Promise<number> {
    try {
      const outcome = await this.#interruption.wait(this.#execute(words))
        .then((code) => ({ code }), (error: unknown) => ({ error }));
      this.#progress?.close();
      const { interruptedBy } = this.#interruption;
      if (interruptedBy !== undefined && !this.#command?.endsItself) return interruptCode(interruptedBy);
      // A reader that closes its end, for example `head`, is not a failure.
      if (this.#stdout.closed) return 0;
      return "code" in outcome ? outcome.code : await this.#report(outcome.error);
    } finally {
      this.#interruption.close();
      this.#io.removeTemporaries();
    }
  }

  async #execute(words: readonly string[]): Promise<number> {
    const code = await this.#dispatch(words);
    await this.#stdout.endLine();
    return code;
  }

  async #dispatch(words: readonly string[]): Promise<number> {
    const resolved = this.#resolved = resolveCommand(this.#program, words);
    if (resolved.entry === undefined || !isCommandEntry(resolved.entry)) {
      const parsed = await this.#parse(resolved.words, undefined);
      return parsed !== "help" && parsed.flags.version ? await this.#version() : await this.#help(resolved);
    }
    const { command } = await resolved.entry.load();
    this.#command = command;
    if (command.endsItself) this.#interruption.waitForWork();
    const parsed = await this.#parse(resolved.words, command);
    if (parsed === "help" || parsed.flags.help) return await this.#help(resolved);
    if (parsed.flags.version) return await this.#version();
    this.#verbose = parsed.flags.verbose === true;
    const args = this.#args = referencesOf(parsed.args, command);
    const context = await this.#context(command, { words: resolved.words, parsed: { ...parsed, args } });
    return await command.run(context) ?? 0;
  }

  async #parse(words: readonly string[], command: Command | undefined): Promise<ParsedWords | "help"> {
    try {
      return await this.#read(words, command);
    } catch (error) {
      // A request for help works even if the rest of the command line is wrong.
      if (words.some((word) => word === "--help" || word === "-h")) return "help";
      throw error;
    }
  }

  #read(words: readonly string[], command: Command | undefined): Promise<ParsedWords> {
    return parseWords(words, {
      args: command?.args ?? {},
      flags: { ...this.#program.flags, ...command?.flags },
      environment: this.#io.environment,
    });
  }

  async #context(
    command: Command,
    { words, parsed: { args, flags } }: { words: readonly string[]; parsed: ParsedWords },
  ): Promise<Context> {
    const io = this.#io;
    const display = () => this.#display();
    return {
      args,
      flags: flags as unknown as GlobalFlags,
      asCrane: flags.as === undefined ? this.#isCalledCrane : flags.as === "crane",
      signal: this.#interruption.signal,
      stdout: this.#stdout,
      stdin: () => io.stdin(),
      environment: (name) => io.environment(name),
      ask: () => io.ask(),
      rereadFlags: async () => (await this.#read(words, command)).flags,
      onHangUp: (handler) => io.onHangUp(handler),
      note: (message) => this.#say(message),
      warn: (message) => {
        if (this.#warnings.has(message)) return;
        this.#warnings.add(message);
        this.#say(`Warning: ${message}`);
      },
      onProgress: command.transfers ? await this.#startProgress() : undefined,
      onRequest: this.#verbose ? await this.#requestLog() : undefined,
      fetch: io.fetch,
      certificates: await this.#certificates(flags),
      program: this.#program,
      // Detects the terminal lazily: it takes 8 ms on Bun, and few commands need it.
      get display() {
        return display();
      },
    };
  }

  /** Reads the certificates that flags name, if any do. */
  async #certificates(flags: ParsedWords["flags"]): Promise<Certificates> {
    if (!CERTIFICATE_FLAGS.some((name) => flags[name] !== undefined)) return {};
    const { readCertificates } = await import("./network.ts");
    return await readCertificates(flags);
  }

  /** Writes a message on one line, with control characters escaped, since its text may come from a registry. */
  #say(line: string): void {
    const text = `${line.replaceAll(/\p{Cc}+/gu, " ")}\n`;
    if (this.#progress === undefined) this.#io.stderr.write(text);
    else this.#progress.write(text);
  }

  async #startProgress(): Promise<Context["onProgress"]> {
    const { stderr, clock, environment } = this.#io;
    const unwanted = this.#verbose || environment("NO_PROGRESS") || environment("TERM") === "dumb";
    if (unwanted || stderr.terminal() === undefined) return undefined;
    const { ProgressDisplay } = await import("./progress.ts");
    const locale = environment("LC_ALL") || environment("LC_CTYPE") || environment("LANG") || "";
    this.#progress = new ProgressDisplay({ port: stderr, clock, unicode: /utf-?8/i.test(locale) });
    return this.#progress.listener;
  }

  async #requestLog(): Promise<RequestListener> {
    const { formatRequest } = await import("./request_log.ts");
    return (event) => this.#say(formatRequest(event));
  }

  #display(): Display {
    const terminal = this.#io.stdout.terminal();
    const { environment } = this.#io;
    const color = terminal !== undefined && !environment("NO_COLOR") && environment("TERM") !== "dumb";
    return { columns: terminal?.columns ?? 80, color };
  }

  async #version(): Promise<number> {
    const { VERSION } = await import("../src/version.ts");
    await this.#stdout.print(VERSION);
    return 0;
  }

  async #help(resolved: Resolved): Promise<number> {
    const { helpText } = await import("./help.ts");
    await this.#stdout.write(await helpText(this.#program, resolved, this.#display()));
    return 0;
  }

  /** Returns the error with its location, which the operating system's message lacks. */
  async #placed(error: unknown): Promise<unknown> {
    if (error !== this.#stdout.failure) return error;
    const { fileFailure } = await import("../src/io/mod.ts");
    return fileFailure("can't write to standard output", error);
  }

  /** Returns a hint if a reference is not found but a file or directory of that name exists. */
  async #pathHint(error: unknown): Promise<string | undefined> {
    const isUnheard = error instanceof NameError || error instanceof NetworkError ||
      (error instanceof HttpError && [401, 403, 404].includes(error.status));
    if (!isUnheard) return undefined;
    const { parseSource } = await import("../src/source/mod.ts");
    const { exists } = await import("../src/runtime/mod.ts");
    for (const [name, { completes }] of Object.entries(this.#command?.args ?? {})) {
      for (const word of completes === undefined ? [this.#args[name]].flat() : []) {
        if (typeof word !== "string" || parseSource(word).kind !== "reference") continue;
        if (await exists(word).catch(() => false)) return `${word} is here: type ./${word} for it`;
      }
    }
    return undefined;
  }

  async #report(error: unknown): Promise<number> {
    const { describeFailure } = await import("./failure.ts");
    const { lines, code } = describeFailure(await this.#placed(error), { verbose: this.#verbose });
    for (const line of lines) this.#say(line);
    const hint = code === 1 ? await this.#pathHint(error) : undefined;
    if (hint !== undefined) this.#say(hint);
    if (error instanceof UsageError && this.#resolved !== undefined && this.#command !== undefined) {
      const { usageLine } = await import("./help.ts");
      this.#say(`Usage: ${usageLine(this.#resolved.path, this.#command)}`);
    }
    return code;
  }
}

/** Returns the arguments, with `docker://` removed from references. */
function referencesOf(args: ParsedWords["args"], command: Command): ParsedWords["args"] {
  const bare = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(bare) : typeof value === "string" ? value.replace(/^docker:\/\//, "") : value;
  const pairs = Object.entries(args).map(([name, value]) =>
    [name, command.args?.[name]?.completes === undefined ? bare(value) : value] as const
  );
  return Object.fromEntries(pairs);
}
