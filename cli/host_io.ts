import {
  environmentVariable,
  exit,
  isTerminal,
  onInterrupt,
  removeTemporaries,
  stdinStream,
  terminalColumns,
  writeStderrSync,
  writeStdout,
} from "../src/runtime/mod.ts";
import type { Io, Terminal } from "./io.ts";

/** The world of a real process. */
export function hostIo(): Io {
  return {
    stdout: { write: writeStdout, terminal: () => terminalOf("stdout") },
    stderr: { write: writeStderrSync, terminal: () => terminalOf("stderr") },
    stdin: stdinStream,
    environment: environmentVariable,
    onInterrupt,
    onUnhandledError,
    removeTemporaries,
    exit,
    clock: {
      now: () => performance.now(),
      after(milliseconds, run) {
        const timer = setTimeout(run, milliseconds);
        return () => clearTimeout(timer);
      },
    },
  };
}

function terminalOf(stream: "stdout" | "stderr"): Terminal | undefined {
  return isTerminal(stream) ? { columns: terminalColumns() ?? 80, rows: 24 } : undefined;
}

function onUnhandledError(handler: (error: unknown) => void): () => void {
  const listener = (event: Event) => {
    event.preventDefault();
    handler((event as PromiseRejectionEvent).reason ?? (event as ErrorEvent).error);
  };
  const names = ["unhandledrejection", "error"];
  for (const name of names) globalThis.addEventListener?.(name, listener);
  return () => names.forEach((name) => globalThis.removeEventListener?.(name, listener));
}
