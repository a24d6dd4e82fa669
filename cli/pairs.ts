import { UsageError } from "../src/errors.ts";

/** Flags of the kind `--label NAME=VALUE`, and of those that take something away by its name. */
export interface PairFlags {
  /** The values of the flag that sets. */
  readonly set: readonly string[];
  /** The values of the flag that takes away. */
  readonly unset: readonly string[];
  /** The flag's name, without dashes. */
  readonly flag: string;
  /** Whether one value may hold several pairs, separated by commas. */
  readonly commas?: boolean;
}

/** Changes by name, `null` for what goes; `undefined` when there are none. @throws {UsageError} */
export function pairChanges(
  { set, unset, flag, commas = false }: PairFlags,
): Record<string, string | null> | undefined {
  if (set.length + unset.length === 0) return undefined;
  const removed = unset.map((name): [string, null] => {
    if (name !== "" && !name.includes("=")) return [name, null];
    throw new UsageError(`--unset-${flag} takes a name, not ${JSON.stringify(name)}`);
  });
  const added = set.flatMap((text) => commas ? severalPairs(text) : [text]).map((text) => pair(text, flag));
  const both = added.find(([name]) => unset.includes(name));
  if (both) throw new UsageError(`${both[0]} is both in --${flag} and in --unset-${flag}`, { hint: "leave out one" });
  return Object.fromEntries([...removed, ...added]);
}

function pair(text: string, flag: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`--${flag} takes NAME=VALUE, not ${JSON.stringify(text)}`, {
    hint: `--unset-${flag} takes one away`,
  });
}

/** Returns the peer takes `a=b,c=d` for two; a value may hold commas too, as in `a=b,c`. */
function severalPairs(text: string): string[] {
  const parts = text.split(",");
  return parts.every((part) => part.indexOf("=") > 0) ? parts : [text];
}
