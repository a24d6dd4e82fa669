import { GcraneError, LockError } from "../../errors.ts";
import { parseJsonObject } from "../../spec/internal.ts";
import { plainText } from "../../http/mod.ts";
import { isObject } from "../../io/mod.ts";
import type { Fields } from "./fields.ts";

/**
 * Parses a lock file in JSON.
 *
 * @throws {LockError} if it is none.
 */
export function parseLockObject(text: string, file: string): Fields {
  try {
    return parseJsonObject(new TextEncoder().encode(text), file);
  } catch (error) {
    if (!(error instanceof GcraneError)) throw error;
    const conflict = /^<{7} /m.test(text) ? "it has unresolved conflicts of a merge" : undefined;
    throw new LockError(conflict ? `${file}: ${conflict}` : error.message, { cause: error });
  }
}

/**
 * Parses a lock file in YAML.
 *
 * @throws {LockError} if it is none.
 */
export async function parseYamlLock(text: string, file: string): Promise<Fields> {
  if (/^<{7} /m.test(text)) throw new LockError(`${file}: it has unresolved conflicts of a merge`);
  const { parse } = await import("@std/yaml/parse");
  let value: unknown;
  try {
    value = parse(text, { schema: "core" });
  } catch (cause) {
    throw new LockError(`${file} is not YAML: ${plainText((cause as Error).message)}`, { cause });
  }
  if (!isObject(value)) throw new LockError(`${file} is not a YAML mapping`);
  return value;
}
