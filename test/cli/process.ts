import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";

const top = join(import.meta.dirname!, "..", "..");

/** A program of this checkout that runs as a process, on the runtime that runs the test. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has written to standard output so far. */
  out = "";
  /** What it has written to standard error so far. */
  err = "";
  readonly #ended: Promise<number | string>;

  constructor(file: string, args: readonly string[], env: Record<string, string> = {}) {
    const options = "Deno" in globalThis ? ["run", "--allow-all", "--no-check", "--frozen"] : [];
    this.child = spawn(process.execPath, [...options, join(top, file), ...args], {
      cwd: top,
      env: { ...process.env, ...env },
    });
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => this.out += text);
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => this.err += text);
    this.#ended = once(this.child, "close").then(([code, signal]) => code ?? signal);
  }

  /** Sends it a signal. (Deno's `child.kill` reports the signal as the end, whatever the program makes of it.) */
  signal(name: "SIGINT" | "SIGTERM"): void {
    process.kill(this.child.pid!, name);
  }

  /** Waits for its end: the exit code, or the signal that killed it. */
  async ended(): Promise<number | string> {
    return await this.#ended;
  }

  /** Waits until it has written something to standard error. */
  async says(text: string): Promise<void> {
    while (!this.err.includes(text)) {
      const ended = this.#ended.then((code) => {
        throw new Error(`it ended with ${code} before it said ${JSON.stringify(text)}: ${this.err}`);
      });
      await Promise.race([once(this.child.stderr, "data"), ended]);
    }
  }
}

/** Runs a file of the checkout to its end. */
export async function runFile(
  file: string,
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<{ code: number | string; out: string; err: string }> {
  const running = new Running(file, args, options.env);
  running.child.stdin.end(options.input ?? "");
  const code = await running.ended();
  return { code, out: running.out, err: running.err };
}
