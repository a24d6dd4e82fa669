import { requireNodeModule } from "./host.ts";

/** Options of {@linkcode runOnTerminal}. */
export interface RunOnTerminalOptions {
  /** Ends the program; the call then fails with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Runs a program, for example an editor, on the terminal without a shell. Its output goes to standard error, since
 * standard output is for data. Returns its exit code, or 128 plus the signal's number if a signal ended it.
 *
 * A missing program throws an error with the code `ENOENT`.
 */
export async function runOnTerminal(
  command: string,
  args: readonly string[],
  { signal }: RunOnTerminalOptions = {},
): Promise<number> {
  const { spawn } = requireNodeModule("node:child_process", "Running a program");
  const os = requireNodeModule("node:os", "Running a program");
  signal?.throwIfAborted();
  const ended = Promise.withResolvers<number>();
  const child = spawn(command, args, { shell: false, stdio: ["inherit", 2, "inherit"] });
  const stop = () => {
    child.kill();
    ended.reject(signal?.reason);
  };
  signal?.addEventListener("abort", stop, { once: true });
  child.on("error", ended.reject);
  child.on("close", (code, name) => ended.resolve(code ?? 128 + (name === null ? 0 : os.constants.signals[name])));
  try {
    return await ended.promise;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
