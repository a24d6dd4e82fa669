import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import process from "node:process";
import { standardModules } from "../project/standard_modules.ts";
import { until } from "./waiting.ts";

const top = join(import.meta.dirname!, "..", "..");

/** Where and with which variables, beside the inherited ones, a program runs. */
export interface RunningOptions {
  env?: Record<string, string>;
  cwd?: string;
}

/** The words that run a file of the checkout on the runtime that runs the test. */
export function programWords(file: string): string[] {
  return [process.execPath, ...runtimeOptions(), resolve(top, file)];
}

function runtimeOptions(): string[] {
  if ("Bun" in globalThis) return [];
  if (!("Deno" in globalThis)) return ["--import", standardModules()];
  // The config is named since the program may run in another folder.
  return ["run", "--allow-all", "--no-check", "--quiet", "--frozen", `--config=${join(top, "deno.json")}`];
}

/** A program of this checkout that runs as a process, on the runtime that runs the test. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has written to standard output so far. */
  out = "";
  /** What it has written to standard error so far. */
  err = "";
  readonly #ended: Promise<number | string>;
  #code: number | string | undefined;

  /** Starts a file of the checkout; with `cwd`, in another folder than the top. */
  constructor(file: string, args: readonly string[], { env = {}, cwd = top }: RunningOptions = {}) {
    const [command, ...words] = programWords(file);
    this.child = spawn(command, [...words, ...args], { cwd, env: { ...process.env, ...env } });
    // A program may end before it has read what it is given.
    this.child.stdin.on("error", () => {});
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => this.out += text);
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => this.err += text);
    this.#ended = once(this.child, "close").then(([code, signal]) => this.#code = code ?? signal);
  }

  /**
   * Sends a signal. (Deno's `child.kill` reports the signal as the cause of the end, even if the program handles it.)
   */
  signal(name: "SIGINT" | "SIGTERM" | "SIGHUP"): void {
    process.kill(this.child.pid!, name);
  }

  /** Waits for its end: the exit code, or the signal that killed it. */
  async ended(): Promise<number | string> {
    return await this.#ended;
  }

  /** Waits until it has written something to standard error. */
  async says(text: string): Promise<void> {
    await until(() => {
      if (this.err.includes(text)) return true;
      if (this.#code === undefined) return false;
      throw new Error(`it ended with ${this.#code} before it wrote ${JSON.stringify(text)}: ${this.err}`);
    }, { what: `${JSON.stringify(text)} on standard error` });
  }
}

/** Runs a file of the checkout to its end. */
export async function runFile(
  file: string,
  args: readonly string[],
  options: RunningOptions & { input?: string | Uint8Array } = {},
): Promise<{ code: number | string; out: string; err: string }> {
  const running = new Running(file, args, options);
  running.child.stdin.end(options.input ?? "");
  const code = await running.ended();
  return { code, out: running.out, err: running.err };
}
