/** Values for some fields: `null` takes a field away, what is left out stays. */
export type FieldChanges<T> = { readonly [Name in keyof T]?: T[Name] | null };

/** An object with some fields changed; those that were there keep their places. */
export function withFields<T extends object>(object: T, changes: FieldChanges<T>): T {
  const fields = new Map<string, unknown>(Object.entries(object));
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) fields.delete(name);
    else if (value !== undefined) fields.set(name, value);
  }
  return Object.fromEntries(fields) as T;
}

/**
 * What becomes of a field that holds names with values: `undefined` when it stays, `null` when nothing is left of it.
 *
 * @param changes values for some names, `null` for names that go, or `null` for all of them
 */
export function changedEntries<V>(
  current: Readonly<Record<string, V>> | null | undefined,
  changes: Readonly<Record<string, V | null>> | null | undefined,
): Readonly<Record<string, V>> | null | undefined {
  if (changes === undefined || changes === null) return changes;
  const before = current ?? {};
  const after = withFields(before, changes);
  if (sameJson(before, after)) return undefined;
  return Object.keys(after).length === 0 ? null : after;
}

/** Whether two values are written as the same JSON. */
export function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
