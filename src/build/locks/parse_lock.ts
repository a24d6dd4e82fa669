import { GcraneError, LockError } from "../../errors.ts";
import { parseJsonObject } from "../../spec/internal.ts";
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
