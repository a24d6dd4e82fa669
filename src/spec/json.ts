import { ManifestError } from "../errors.ts";

/** The deepest nesting of arrays and objects that is accepted. */
const MOST_LEVELS = 1_000;

/**
 * Parses JSON.
 *
 * @param what the name of the bytes in an error
 * @throws {ManifestError} if the bytes are nested deeper than 1,000 levels, or, with a cause, if they are not UTF-8 or
 * not JSON.
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    checkJsonDepth(bytes, what);
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof ManifestError) throw cause;
    // The message may quote the bytes, including line breaks and control characters.
    const reason = (cause as Error).message.replace(/[\p{Cc}\s]+/gu, " ");
    throw new ManifestError(`${what} is not JSON: ${reason}`, { cause });
  }
}

/**
 * Parses a JSON object.
 *
 * @param what the name of the bytes in an error
 * @throws {ManifestError} if the bytes are not UTF-8, not JSON, nested deeper than 1,000 levels or not an object.
 */
export function parseJsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  const value = parseJson(bytes, what);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ManifestError(`${what} is not a JSON object`);
  }
  return value as Record<string, unknown>;
}

/**
 * Checks that JSON is shallow enough for recursion. The result for bytes that are not JSON depends on their brackets.
 *
 * @param what the name of the bytes in an error
 * @throws {ManifestError} if it is nested deeper than 1,000 levels.
 */
export function checkJsonDepth(bytes: Uint8Array, what: string): void {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) isString = !isString; // "
    else if (isString) at += byte === 0x5c ? 1 : 0; // \
    else if (byte === 0x5b || byte === 0x7b) depth++; // [ {
    else if (byte === 0x5d || byte === 0x7d) depth--; // ] }
    if (depth > MOST_LEVELS) throw new ManifestError(`${what} is nested deeper than ${MOST_LEVELS} levels of JSON`);
  }
}

/** Writes a value as JSON that does not depend on the order of its fields, to be compared. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(value, sortFields);
}

function sortFields(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
}

/** Writes a value as compact JSON in UTF-8, as it is hashed and sent. */
export function jsonBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
