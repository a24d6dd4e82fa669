import { UsageError } from "../src/errors.ts";
import { parseDuration } from "../src/io/mod.ts";
import { checkRules, type GcRules, type KeepRule, type RemoveRule } from "./gc_rules.ts";
import type { TagSetRule } from "./gc_tag_set.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Parses rules from JSON:
 *
 * ```json
 * {
 *   "grace": "24h",
 *   "keep": [{ "tag": "latest" }, { "semver": ">=1.0.0", "newest": 3, "per": "minor" }],
 *   "remove": [{ "repository": "team/**", "tag": "/^pr-(\\d+)-/", "olderThan": "7d", "keepNewest": 1 }]
 * }
 * ```
 *
 * @param what the name of the rules in an error: their file
 * @throws {UsageError} for an unknown field, as a misspelt rule must not be ignored.
 */
export function parseRules(text: string, what: string): GcRules {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${what} is not JSON`, { cause });
  }
  try {
    const fields = fieldsOf(value, "rules", ["grace", "orphans", "keep", "remove"]);
    const rules: GcRules = {
      grace: read(fields, "grace", duration),
      orphans: read(fields, "orphans", boolean),
      keep: list(fields, "keep").map(keepRule),
      remove: list(fields, "remove").map(removeRule),
    };
    checkRules(rules);
    return rules;
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError(`${what}: ${cause.message}`, { cause, hint: cause.hint });
  }
}

const SET = ["repository", "tag", "semver", "per"];

function keepRule(value: unknown, at: number): KeepRule {
  const fields = fieldsOf(value, `keep[${at}]`, [...SET, "newest"]);
  return { ...setRule(fields), newest: read(fields, "newest", count) };
}

function removeRule(value: unknown, at: number): RemoveRule {
  const fields = fieldsOf(value, `remove[${at}]`, [...SET, "keepNewest", "olderThan"]);
  return {
    ...setRule(fields),
    keepNewest: read(fields, "keepNewest", count),
    olderThan: read(fields, "olderThan", duration),
  };
}

function setRule(fields: Fields): TagSetRule {
  const per = read(fields, "per", string);
  if (per !== undefined && per !== "major" && per !== "minor") throw new UsageError('per is "major" or "minor"');
  return {
    repository: read(fields, "repository", string),
    tag: read(fields, "tag", string),
    semver: read(fields, "semver", string),
    per,
  };
}

function fieldsOf(value: unknown, what: string, known: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UsageError(`${what} is not an object`);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new UsageError(`${what} has ${JSON.stringify(unknown)}, which is not one of ${known.join(", ")}`);
  }
  return value as Fields;
}

function list(fields: Fields, name: string): unknown[] {
  const value = fields[name] ?? [];
  if (!Array.isArray(value)) throw new UsageError(`${name} is not a list`);
  return value;
}

function read<T>(fields: Fields, name: string, reader: (value: unknown, name: string) => T): T | undefined {
  return fields[name] === undefined ? undefined : reader(fields[name], name);
}

function string(value: unknown, name: string): string {
  if (typeof value !== "string") throw new UsageError(`${name} is not a string`);
  return value;
}

function boolean(value: unknown, name: string): boolean {
  if (typeof value !== "boolean") throw new UsageError(`${name} is not a boolean`);
  return value;
}

function count(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new UsageError(`${name} is not a whole number`);
  return value as number;
}

function duration(value: unknown, name: string): number {
  return parseDuration(string(value, name));
}
