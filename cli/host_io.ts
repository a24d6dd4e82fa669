import {
  askLine,
  environmentVariable,
  exit,
  isHangUpIgnored,
  isTerminal,
  onHangUp,
  onInterrupt,
  onUnhandledError,
  programNames,
  removeTemporaries,
  stdinStream,
  terminalSize,
  writeStderrSync,
  writeStdout,
} from "../src/runtime/mod.ts";
import type { Io, Terminal } from "./io.ts";

/** Returns the access to the real process. */
export function hostIo(): Io {
  return {
    stdout: { write: writeStdout, terminal: () => terminalOf("stdout") },
    stderr: { write: writeStderrSync, terminal: () => terminalOf("stderr") },
    stdin: stdinStream,
    ask: () => isTerminal("stdin") ? askLine : undefined,
    environment: environmentVariable,
    programNames,
    isHangUpIgnored,
    onHangUp,
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
  return isTerminal(stream) ? terminalSize() ?? { columns: 80, rows: 24 } : undefined;
}
