import { GcraneError, UsageError } from "../src/errors.ts";
import { redactText } from "./redact.ts";
import { oneLine } from "./terminal_text.ts";

/** The report of an error, and the exit code. */
export interface Failure {
  /** Lines for standard error. */
  readonly lines: readonly string[];
  /** 2 for wrong usage, else 1. */
  readonly code: 1 | 2;
}

/**
 * Describes an error in one line, and with `verbose` in one more for each cause. Contains no stack trace and no secret.
 */
export function describeFailure(error: unknown, options: { verbose: boolean }): Failure {
  const lines = [`Error: ${summary(error)}`];
  if (options.verbose) lines.push(...causes(error).map((cause) => `  caused by: ${errorLine(cause)}`));
  return { lines, code: error instanceof UsageError ? 2 : 1 };
}

/** Returns the message of an error on one line, without secrets. */
function errorLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return oneLine(redactText(text));
}

/** Returns the message and the hint of an error on one line, without secrets. */
export function summary(error: unknown): string {
  if (error instanceof GcraneError) {
    return error.hint === undefined ? errorLine(error) : `${errorLine(error)} — ${oneLine(redactText(error.hint))}`;
  }
  return isForeseen(error) ? errorLine(error) : `internal error: ${errorLine(error)} — please report`;
}

/** Returns whether an error comes from the operating system or from a limit of the runtime, and is not a bug. */
function isForeseen(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) return true;
  return ["NotSupportedError", "AbortError", "TimeoutError"].includes(error.name);
}

function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  const queue = below(error);
  while (queue.length > 0 && found.length < 20) {
    const cause = queue.shift();
    if (found.includes(cause)) continue;
    found.push(cause);
    queue.unshift(...below(cause));
  }
  return found;
}

function below(error: unknown): unknown[] {
  if (!(error instanceof Error)) return [];
  const several = error instanceof AggregateError ? error.errors : [];
  return error.cause === undefined ? several : [error.cause, ...several];
}
