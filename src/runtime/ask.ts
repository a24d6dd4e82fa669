import { denoHost, nodeProcess, notSupported } from "./host.ts";
import { platformOs } from "./environment.ts";
import { isTerminal, stdinStream, writeStderrSync } from "./standard_io.ts";

/** Options of {@linkcode askLine}. */
export interface AskOptions {
  /**
   * Whether the input is hidden while it is typed.
   *
   * @default false
   */
  secret?: boolean;
  /** Ends the wait, which then rejects with the signal's reason. */
  signal?: AbortSignal;
}

const ENTER = "\r\n";
const BACKSPACE = "\b\x7f";
const INTERRUPT = "\x03";
const END_OF_INPUT = "\x04";
const KILL_LINE = "\x15";

/**
 * Asks the user at the terminal a question on standard error and reads one line. The line is empty at the end of input.
 *
 * Rejects with a `NotSupportedError` if standard input is not a terminal: see {@linkcode isTerminal}.
 */
export async function askLine(question: string, options: AskOptions = {}): Promise<string> {
  const { secret = false, signal } = options;
  signal?.throwIfAborted();
  if (!isTerminal("stdin")) throw notSupported("A terminal to ask on");
  const reader = stdinStream().getReader();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const decoder = new TextDecoder();
  const typed = async (): Promise<string> => {
    const { value, done } = await Promise.race([reader.read(), aborted.promise]);
    return done ? END_OF_INPUT : decoder.decode(value, { stream: true });
  };
  try {
    return secret ? await readHidden(question, typed) : await readShown(question, typed);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Reads a line in the terminal's line mode, which echoes and edits it. */
async function readShown(question: string, typed: () => Promise<string>): Promise<string> {
  writeStderrSync(question);
  const line = await typed();
  return line === END_OF_INPUT ? "" : line.replace(/\r?\n$/, "");
}

/** Reads a line in raw mode, since the terminal can hide input only there. Editing keys are handled here. */
async function readHidden(question: string, typed: () => Promise<string>): Promise<string> {
  setRaw(true);
  try {
    writeStderrSync(question);
    for (let line: string[] = [];;) {
      // Escape sequences, for example of arrow keys, are not part of the line.
      // deno-lint-ignore no-control-regex
      for (const key of (await typed()).replace(/\x1b(?:\[[\d;]*[A-Za-z~]|O[A-Z])/g, "")) {
        if (ENTER.includes(key) || key === END_OF_INPUT) return line.join("");
        if (key === INTERRUPT) {
          setRaw(false);
          nodeProcess()?.kill(nodeProcess()!.pid, "SIGINT");
          for (;;) await typed(); // until the signal aborts it; on Node.js the read keeps the program alive
        }
        if (BACKSPACE.includes(key)) line.pop();
        else if (key === KILL_LINE) line = [];
        else if (key >= " ") line.push(key);
      }
    }
  } finally {
    setRaw(false);
    writeStderrSync("\n");
  }
}

function setRaw(on: boolean): void {
  const deno = denoHost();
  if (deno === undefined) nodeProcess()?.stdin.setRawMode(on);
  // Keeps Ctrl-C a signal where the platform allows it.
  else deno.stdin.setRaw(on, on && platformOs() !== "windows" ? { cbreak: true } : undefined);
}
