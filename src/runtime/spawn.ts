import type { Readable } from "node:stream";
import { type Bytes, concat } from "./bytes.ts";
import { nodeProcess, requireNodeModule } from "./host.ts";

/** Options of {@linkcode runCommand}. */
export interface RunCommandOptions {
  /** The standard input of the command. */
  input?: string | Uint8Array;
  /**
   * The timeout in milliseconds, after which the command is killed and the call fails with the code `ETIMEDOUT`.
   *
   * @default Infinity
   */
  timeoutMs?: number;
  /** Kills the command; the call then fails with the signal's reason. */
  signal?: AbortSignal;
  /** Additional environment variables. */
  env?: Readonly<Record<string, string>>;
  /**
   * The most bytes on standard output, and on standard error. A command that writes more is killed, and the call fails
   * with the code `OUTPUT_LIMIT`.
   *
   * @default 65536
   */
  maxOutput?: number;
}

/** The result of a command. */
export interface CommandOutput {
  /** Its exit code, or 128 plus the signal's number if a signal ended it. */
  readonly code: number;
  /** Its standard output. */
  readonly stdout: string;
  /** Its standard error. */
  readonly stderr: string;
}

/**
 * Runs a program by its name or path, without a shell, and waits for its end. An exit code other than 0 does not throw;
 * a missing program throws an error with the code `ENOENT`.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: RunCommandOptions = {},
): Promise<CommandOutput> {
  const { input = "", timeoutMs = Infinity, signal, env, maxOutput = 64 * 1024 } = options;
  const { spawn } = requireNodeModule("node:child_process", "Running a program");
  const os = requireNodeModule("node:os", "Running a program");

  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const child = spawn(command, args, {
      shell: false,
      windowsHide: true,
      stdio: "pipe",
      ...(env !== undefined && { env: { ...nodeProcess()?.env, ...env } }),
    });

    const stop = (reason: unknown) => {
      child.kill("SIGKILL");
      // The command's own children may hold the other ends open.
      for (const stream of child.stdio) stream?.destroy();
      settle(() => reject(reason));
    };
    const onAbort = () => stop(signal?.reason);
    const timer = timeoutMs === Infinity
      ? undefined
      : setTimeout(() => stop(failure(`${command} took longer than ${timeoutMs} ms`, "ETIMEDOUT")), timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      act();
    };

    const onExcess = () => stop(failure(`${command} wrote more than ${maxOutput} bytes`, "OUTPUT_LIMIT"));
    const stdout = collect(child.stdout, maxOutput, onExcess);
    const stderr = collect(child.stderr, maxOutput, onExcess);
    child.on("error", (error) => settle(() => reject(error)));
    child.on("close", (code, name) => {
      const number = code ?? 128 + (name === null ? 0 : os.constants.signals[name]);
      settle(() => resolve({ code: number, stdout: stdout(), stderr: stderr() }));
    });
    // A command may end without reading its input; its exit code decides.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** Collects the output of a stream; the returned function decodes it. */
function collect(stream: Readable, limit: number, onExcess: () => void): () => string {
  const chunks: Bytes[] = [];
  let length = 0;
  stream.on("error", () => {});
  stream.on("data", (chunk: Bytes) => {
    length += chunk.byteLength;
    if (length > limit) return onExcess();
    chunks.push(chunk);
  });
  return () => new TextDecoder().decode(concat(chunks));
}

function failure(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

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
