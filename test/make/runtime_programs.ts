// Runs the small programs beside the tests on the runtime that runs the tests.
import { type ChildProcess, spawn } from "node:child_process";
import { programWords } from "./processes.ts";

/** The command line that runs a program of `programs/` on this runtime. */
export function programCommand(name: string, args: readonly string[] = []): { command: string; args: string[] } {
  const [command, ...words] = programWords(`test/runtime/programs/${name}`);
  return { command, args: [...words, ...args] };
}

/** Starts a program with pipes to all its streams. */
export function startProgram(name: string, args: readonly string[] = []): ChildProcess {
  const line = programCommand(name, args);
  return spawn(line.command, line.args, { stdio: "pipe" });
}

/** Runs a program to its end with some input. */
export async function runProgram(
  name: string,
  args: readonly string[] = [],
  input: string | Uint8Array = "",
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = startProgram(name, args);
  const output = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk) => output.stdout += chunk);
  child.stderr?.on("data", (chunk) => output.stderr += chunk);
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, ...output };
}
