import { ManifestError } from "../errors.ts";

/** How many arrays and objects JSON may have within one another. */
const MOST_LEVELS = 1_000;

/**
 * Reads JSON.
 *
 * @throws {ManifestError} when the bytes are nested deeper than 1,000 levels, or, with a cause, when they are not UTF-8
 * or not JSON; `what` names them.
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    checkJsonDepth(bytes, what);
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof ManifestError) throw cause;
    // The message may quote the bytes, which may hold line breaks and worse.
    const reason = (cause as Error).message.replace(/[\p{Cc}\s]+/gu, " ");
    throw new ManifestError(`${what} is not JSON: ${reason}`, { cause });
  }
}

/**
 * Reads a JSON object.
 *
 * @throws {ManifestError} when the bytes are not UTF-8, not JSON, nested deeper than 1,000 levels or not an object;
 * `what` names them.
 */
export function parseJsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  const value = parseJson(bytes, what);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ManifestError(`${what} is not a JSON object`);
  }
  return value as Record<string, unknown>;
}

/**
 * Checks that JSON can be walked through by recursion. Other bytes pass or not, by the brackets in them.
 *
 * @throws {ManifestError} when it is nested deeper than 1,000 levels; `what` names it.
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

/** Writes a value as compact JSON in UTF-8, as it is hashed and sent. */
export function jsonBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
