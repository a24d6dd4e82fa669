import { ManifestError } from "../errors.ts";

/** The most objects and arrays that may stand in one another. */
const MOST_LEVELS = 1_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** With this bit set, both opening brackets are `{`, and both closing ones `}`. */
const BRACE_BIT = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/**
 * Reads JSON.
 *
 * @throws {ManifestError} when it is nested more than 1,000 levels deep: engines differ in how deep they can go. With a
 * cause, when the bytes are not UTF-8 or not JSON. `what` names them.
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  const text = orNotJson(what, () => new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (scanJson(bytes) > MOST_LEVELS) {
    throw new ManifestError(`${what} is JSON that is nested more than ${MOST_LEVELS} levels deep`);
  }
  return orNotJson(what, () => JSON.parse(text));
}

/** Reads a JSON object. @throws {ManifestError} as {@linkcode parseJson}, and when it is another value. */
export function parseJsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  const value = parseJson(bytes, what);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ManifestError(`${what} is not a JSON object`);
  }
  return value as Record<string, unknown>;
}

/** Writes a value as compact JSON in UTF-8, as it is hashed and sent. */
export function jsonBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Goes through JSON without recursion and gives the number of its levels. The bytes need not be JSON: then the number
 * means nothing.
 *
 * @param onString called with each string, keys too, as it is written: in quotes and with its escapes
 */
export function scanJson(bytes: Uint8Array, onString?: (string: Uint8Array) => void): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const start = at++;
      while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
      onString?.(bytes.subarray(start, at + 1));
    } else if ((byte | BRACE_BIT) === OPENING) {
      deepest = Math.max(deepest, ++depth);
    } else if ((byte | BRACE_BIT) === CLOSING) {
      depth--;
    }
  }
  return deepest;
}

function orNotJson<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    // The message may quote the bytes, which may hold line breaks and worse.
    const reason = (cause as Error).message.replace(/[\p{Cc}\s]+/gu, " ");
    throw new ManifestError(`${what} is not JSON: ${reason}`, { cause });
  }
}
