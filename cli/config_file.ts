import { UsageError } from "../src/errors.ts";
import type { Flag, Flags } from "./flag.ts";
import { flagName } from "./flag_words.ts";
import { readNamed } from "./named_file.ts";
import { nearest } from "./suggest.ts";
import { oneLine } from "./terminal_text.ts";

/**
 * Reads the values of flags from a file in YAML, a mapping with their names on the command line. The values have the
 * types of the flags and are not converted otherwise.
 *
 * @param flags the flags that may be in it
 * @returns the values by the flags' names in code
 * @throws {UsageError} if it is not such a file, or has an unknown name or a value of another type.
 */
export async function readConfig(file: string, flags: Flags): Promise<ReadonlyMap<string, unknown>> {
  const names = new Map(Object.keys(flags).map((key) => [flagName(key), key]));
  return new Map(
    Object.entries(await readMapping(file)).map(([name, value]) => {
      const key = names.get(name);
      if (key === undefined) {
        const near = nearest(name, names.keys());
        throw new UsageError(
          `${file}: there is no flag ${JSON.stringify(name)}`,
          near === undefined ? {} : { hint: `did you mean ${near}?` },
        );
      }
      const problem = typeProblem(flags[key], value);
      if (problem !== undefined) throw new UsageError(`${file}: ${name} must be ${problem}, not ${kindOf(value)}`);
      return [key, value];
    }),
  );
}

async function readMapping(file: string): Promise<object> {
  const text = await readNamed(file);
  const { parse } = await import("@std/yaml/parse");
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new UsageError(`${file} is not YAML: ${oneLine((cause as Error).message)}`, { cause });
  }
  if (value === null || value === undefined) return {}; // empty, or only comments
  if (kindOf(value) === "a mapping") return value as object;
  throw new UsageError(`${file} must be a mapping of flags to values, not ${kindOf(value)}`, {
    hint: 'a line is, for example, address: ":5000"',
  });
}

/** Returns what a value has to be, if it is something else. */
function typeProblem(flag: Flag, value: unknown): string | undefined {
  switch (flag.type) {
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
    case "number":
      return typeof value === "number" ? undefined : "a number";
    case "string":
      return typeof value === "string" ? undefined : "text, in quotes where YAML reads something else";
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string") ? undefined : "a list of texts";
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) {
    return value.every((item) => typeof item === "string") ? "a list" : "a list of other values";
  }
  if (value instanceof Date) return "a date";
  return typeof value === "object" ? "a mapping" : typeof value === "string" ? "text" : `${value}`;
}
