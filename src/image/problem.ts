import { ValidationError } from "../errors.ts";

/** A problem of a view, and the error that reported it, if any. */
export interface Problem {
  /** What is wrong and where, in one line. */
  readonly message: string;
  /** The error underneath. */
  readonly cause?: unknown;
}

/** Makes a problem at a place; an empty place is the whole view. */
export function problem(where: string, message: string, cause?: unknown): Problem {
  return { message: inside(where, message), ...(cause === undefined ? {} : { cause }) };
}

/** Prefixes a place or a message with an outer place. */
export function inside(where: string, what: string): string {
  return where === "" ? what : `${where}: ${what}`;
}

/** Returns the problem that a value is not the promised one; none if it is. */
export function mismatch(where: string, name: string, values: { found: unknown; promised: unknown }): Problem[] {
  const { found, promised } = values;
  return found === promised ? [] : [problem(where, `${name} is ${found} where ${promised} was promised`)];
}

/** What `work` finds wrong. A failure of it is one more problem, so that the search goes on; but an abort ends all. */
export async function attempt(
  where: string,
  signal: AbortSignal | undefined,
  work: () => Promise<Problem[]>,
): Promise<Problem[]> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    return [problem(where, error instanceof Error ? error.message : String(error), error)];
  }
}

/** @throws {ValidationError} that lists the problems, each once, unless there are none. */
export function throwIfAny(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const messages = new Set(problems.map(({ message }) => message));
  throw new ValidationError([...messages].join("; "), {
    cause: problems.find(({ cause }) => cause !== undefined)?.cause,
  });
}
