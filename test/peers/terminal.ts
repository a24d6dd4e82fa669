import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { pathOf } from "./available.ts";
import { until } from "../make/waiting.ts";

/** How a {@linkcode Terminal} is set up. */
export interface TerminalOptions {
  /** Variables beside the inherited ones. */
  env?: Record<string, string>;
  /** The working directory. */
  cwd?: string;
  /** Its size. */
  size?: { columns: number; rows: number };
}

/** A program that runs on a terminal, which util-linux' `script` plays. */
export class Terminal {
  /** All that was written to the terminal so far, escape sequences included. */
  screen = "";
  readonly #script: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<number | string>;
  #code: number | string | undefined;

  /** Starts a program, given as its words. */
  constructor(words: readonly string[], options: TerminalOptions = {}) {
    const { columns, rows } = options.size ?? { columns: 80, rows: 24 };
    const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    const command = `stty cols ${columns} rows ${rows}; exec ${line}`;
    this.#script = spawn(pathOf("script"), ["--quiet", "--return", "--command", command, "/dev/null"], {
      cwd: options.cwd,
      env: { ...process.env, TERM: "xterm", SHELL: "/bin/sh", ...options.env },
    });
    this.#script.stdout.setEncoding("utf8").on("data", (text: string) => this.screen += text);
    this.#script.stdin.on("error", () => {});
    this.#ended = once(this.#script, "close").then(([code, signal]) => this.#code = code ?? signal);
  }

  /** What a person would make of it: without escape sequences and carriage returns. */
  get text(): string {
    // deno-lint-ignore no-control-regex
    return this.screen.replace(/\x1b\[[\d;?]*[A-Za-z]|\r/g, "");
  }

  /** Types keys: `\r` is Enter, `\x03` Ctrl-C. */
  type(keys: string): void {
    this.#script.stdin.write(keys);
  }

  /** Waits until something is on the screen. */
  async shows(text: string): Promise<void> {
    await until(() => {
      if (this.screen.includes(text)) return true;
      if (this.#code === undefined) return false;
      throw new Error(`it ended with ${this.#code} before it showed ${text}: ${this.screen}`);
    }, { what: `${JSON.stringify(text)} on the screen` });
  }

  /** Waits for the end: the program's exit code. */
  async ended(): Promise<number | string> {
    return await this.#ended;
  }
}
