import { UsageError } from "../src/errors.ts";
import { Limits, readAll } from "../src/io/mod.ts";
import { parseRegistry, type Registry } from "../src/name/mod.ts";
import type { Context } from "./command.ts";

/** Reads all of standard input as text, without a newline at its end; it may be empty. */
export async function readLine({ stdin, signal }: Pick<Context, "stdin" | "signal">): Promise<string> {
  const bytes = await readAll(stdin(), { limit: Limits.message, what: "standard input", signal });
  return new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
}

/** Asks the user at the terminal. @throws {UsageError} if there is no terminal. */
export async function ask(
  question: string,
  { context, secret }: { context: Pick<Context, "ask" | "signal">; secret?: boolean },
): Promise<string> {
  const asker = context.ask();
  if (asker === undefined) {
    throw new UsageError("there is no terminal to ask on", { hint: "use -u and --password-stdin" });
  }
  return await asker(question, { secret, signal: context.signal });
}

/** Parses a registry: its host, or its URL, as in docker's config and credential helpers. */
export function registryArgument(text: string): Registry {
  const url = /^https?:\/\/([^/]+)(?:\/.*)?$/.exec(text);
  return parseRegistry(url?.[1] ?? text);
}
