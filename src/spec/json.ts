import { ManifestError } from "../errors.ts";

/**
 * Reads a JSON object.
 *
 * @throws {ManifestError} when the bytes are not UTF-8, not JSON or not an object; `what` names them.
 */
export function parseJsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    // The message may quote the bytes, which may hold line breaks and worse.
    const reason = (cause as Error).message.replace(/[\p{Cc}\s]+/gu, " ");
    throw new ManifestError(`${what} is not JSON: ${reason}`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ManifestError(`${what} is not a JSON object`);
  }
  return value as Record<string, unknown>;
}

/** Writes a value as compact JSON in UTF-8, as it is hashed and sent. */
export function jsonBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
