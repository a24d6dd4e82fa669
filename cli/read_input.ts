import { UsageError } from "../src/errors.ts";
import { Limits, readAll } from "../src/io/mod.ts";
import { isTerminal } from "../src/runtime/mod.ts";
import type { Context } from "./command.ts";

/** All of standard input as text, without the newline at its end. */
export async function readLine({ stdin, signal }: Pick<Context, "stdin" | "signal">): Promise<string> {
  const bytes = await readAll(stdin(), { limit: Limits.message, what: "standard input", signal });
  return new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
}

/** Asks for a line. @throws {UsageError} when nobody is there to answer. */
export function promptLine(question: string): string {
  if (!isTerminal("stdin")) throw nobodyThere();
  return globalThis.prompt(question.trimEnd()) ?? "";
}

/** Asks for a password without showing it. @throws {UsageError} when nobody is there to answer. */
export async function promptPassword(question: string): Promise<string> {
  if (!isTerminal("stdin")) throw nobodyThere();
  const { promptSecret } = await import("@std/cli/prompt-secret");
  return promptSecret(question, { mask: "" }) ?? "";
}

function nobodyThere(): UsageError {
  return new UsageError("there is no terminal to ask on", { hint: "use -u and --password-stdin" });
}
