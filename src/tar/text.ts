/**
 * Names as text that turns back into the same bytes.
 *
 * A name in an archive is bytes, mostly but not always UTF-8. A byte that is not part of valid UTF-8 becomes one lone
 * surrogate, U+DC80 to U+DCFF, so that two different names never become the same text.
 */

import type { Bytes } from "../runtime/mod.ts";

// A byte order mark is part of a name like any other character.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
// Control and format characters, line and paragraph separators.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const ESCAPES = /[\uDC80-\uDCFF]/u;

/** The text of `bytes`; each byte that is not UTF-8 becomes a lone surrogate U+DC80 to U+DCFF. */
export function decodeText(bytes: Bytes): string {
  if (bytes.length === 0) return "";
  try {
    return strict.decode(bytes);
  } catch {
    return decodeEscaping(bytes);
  }
}

/** The bytes of `text`: UTF-8, but a lone surrogate U+DC80 to U+DCFF becomes the byte that it stands for. */
export function encodeText(text: string): Bytes {
  if (!ESCAPES.test(text)) return encoder.encode(text);
  const pieces: number[] = [];
  for (const character of text) {
    if (ESCAPES.test(character)) pieces.push(character.charCodeAt(0) - 0xdc00);
    else pieces.push(...encoder.encode(character));
  }
  return new Uint8Array(pieces);
}

/** Text as bytes; bytes stay as they are. */
export function toBytes(value: string | Bytes): Bytes {
  return typeof value === "string" ? encodeText(value) : value;
}

/** Whether every byte is ASCII and none is NUL. */
export function isAscii(bytes: Bytes): boolean {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0 || bytes[i] > 0x7f) return false;
  }
  return true;
}

/** Whether the bytes are valid UTF-8. */
export function isUtf8(bytes: Bytes): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Quotes a name for a one-line message: at most 200 characters, invisible ones escaped. */
export function quoteName(name: string | Bytes): string {
  const text = (typeof name === "string" ? name : decodeText(name)).toWellFormed();
  const short = text.length > 200 ? `${text.slice(0, 199).toWellFormed()}…` : text;
  return JSON.stringify(short).replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

function decodeEscaping(bytes: Bytes): string {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    text += length === 0 ? String.fromCharCode(0xdc00 + bytes[at]) : strict.decode(bytes.subarray(at, at + length));
    at += Math.max(length, 1);
  }
  return text;
}

/** The length of the valid UTF-8 sequence at `at`, 0 if there is none. */
function sequenceLength(bytes: Bytes, at: number): number {
  const lead = bytes[at];
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (at + length > bytes.length) return 0;
  for (let i = 1; i < length; i++) {
    if ((bytes[at + i] & 0xc0) !== 0x80) return 0;
  }
  const second = bytes[at + 1];
  const overlong = (lead === 0xe0 && second < 0xa0) || (lead === 0xf0 && second < 0x90);
  const surrogate = lead === 0xed && second > 0x9f;
  const beyond = lead === 0xf4 && second > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}
