/** Names of fields as Go's encoding/json reads them: in any case. */

/** Proper names by their folded form. */
export type GoNames = ReadonlyMap<string, string>;

/** Makes the table of names, given in lists with spaces. */
export function goNames(...lists: readonly string[]): GoNames {
  return new Map(lists.flatMap((list) => list.split(" ")).map((name) => [folded(name), name]));
}

/**
 * Gives the fields of an object their proper names; unknown fields keep theirs. Of several spellings of a field the last
 * one counts, and objects are merged, as in Go; `null` changes nothing there. Returns a value of another kind unchanged.
 */
export function goFields(value: unknown, names: GoNames): unknown {
  if (!isObject(value)) return value;
  const fields = new Map<string, unknown>();
  for (const [key, item] of Object.entries(value)) {
    const name = properName(key, names);
    const earlier = fields.get(name);
    if (earlier === undefined || earlier === null) fields.set(name, item);
    else if (item !== null) fields.set(name, isObject(earlier) && isObject(item) ? { ...earlier, ...item } : item);
  }
  return Object.fromEntries(fields);
}

function properName(key: string, names: GoNames): string {
  const name = names.get(folded(key));
  // A character whose capital is two letters is not folded in Go.
  return name?.length === key.length ? name : key;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Folds the case, also of the two letters outside of ASCII that Go takes for an s and a k. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}
