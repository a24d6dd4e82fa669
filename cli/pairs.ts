import { UsageError } from "../src/errors.ts";

/** Flags like `--label NAME=VALUE`, and those that remove a name. */
export interface PairFlags {
  /** The values of the flag that sets. */
  readonly set: readonly string[];
  /** The values of the flag that removes. */
  readonly unset: readonly string[];
  /** The flag's name, without dashes. */
  readonly flag: string;
  /** Whether one value may contain several pairs, separated by commas. */
  readonly commas?: boolean;
}

/**
 * Returns the changes by name, `null` for a removal; `undefined` if there are none. @throws {UsageError} for a value
 * without a name, and for a name that is both set and removed.
 */
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

/** Splits `a=b,c=d` into two pairs as crane does; a value may also contain commas, as in `a=b,c`. */
function severalPairs(text: string): string[] {
  const parts = text.split(",");
  return parts.every((part) => part.indexOf("=") > 0) ? parts : [text];
}
