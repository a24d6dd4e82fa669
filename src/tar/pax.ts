/** PAX extended header records, `"%d %s=%s\n"` (POSIX.1-2017, pax, "pax Extended Header"). */

import type { Bytes } from "../runtime/mod.ts";
import { decodeText, encodeText } from "./text.ts";

/** Records by key; values are bytes, since extended attributes are binary. */
export type PaxRecords = ReadonlyMap<string, Bytes>;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const EQUALS = 0x3d;
const COMMA = 0x2c;

/** Keys whose value is a number or a time. */
export const NUMBER_KEYS: ReadonlySet<string> = new Set(["size", "uid", "gid", "mtime", "atime", "ctime"]);

/** Keys whose value is a name, which can't hold a NUL. */
export const NAME_KEYS: ReadonlySet<string> = new Set(["path", "linkpath", "uname", "gname", "GNU.sparse.name"]);

/**
 * Parses the body of an extended header.
 *
 * The repeated `GNU.sparse.offset` and `GNU.sparse.numbytes` of sparse format 0.0 are joined into one
 * `GNU.sparse.map`, as format 0.1 has it, since a map keeps each key once. `problem` makes the error for a record that
 * is not well formed.
 */
export function parsePax(body: Bytes, problem: (what: string) => Error): Map<string, Bytes> {
  const records = new Map<string, Bytes>();
  const sparse: Bytes[] = [];
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(SPACE, at);
    const length = space === -1 ? NaN : parseDigits(body.subarray(at, space));
    if (!(length > space - at + 1)) throw problem(`a PAX record at byte ${at} has no proper length`);
    const end = at + length;
    if (end > body.length) {
      throw problem(`a PAX record at byte ${at} has a length of ${length} bytes where ${body.length - at} are left`);
    }
    if (body[end - 1] !== NEWLINE) throw problem(`the PAX record at byte ${at} does not end in a newline`);
    const equals = body.indexOf(EQUALS, space + 1);
    if (equals === -1 || equals >= end) throw problem(`the PAX record at byte ${at} has no "="`);
    if (equals === space + 1) throw problem(`the PAX record at byte ${at} has no key`);
    const key = decodeText(body.subarray(space + 1, equals));
    const value = body.subarray(equals + 1, end - 1);
    if (key.includes("\0") || (NAME_KEYS.has(key) && value.includes(0))) {
      throw problem(`the PAX record ${JSON.stringify(key)} holds a NUL`);
    }
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
      if ((sparse.length % 2 === 0) !== (key === "GNU.sparse.offset")) {
        throw problem("its PAX sparse offsets and lengths do not alternate");
      }
      sparse.push(value);
    } else {
      const earlier = records.get(key);
      // The last one counts, but GNU tar reads each.
      if (earlier !== undefined && (key.startsWith("GNU.sparse.") || isBadNumber(key, earlier))) {
        throw problem(`the PAX record ${JSON.stringify(key)} comes twice`);
      }
      records.set(key, value);
    }
    at = end;
  }
  if (sparse.length > 0) records.set("GNU.sparse.map", joinWithCommas(sparse));
  return records;
}

function isBadNumber(key: string, value: Bytes): boolean {
  return NUMBER_KEYS.has(key) && !Number.isFinite(key.endsWith("time") ? parseSeconds(value) : parseInteger(value));
}

/** Encodes the body of an extended header, sorted by key so that equal records give equal bytes. */
export function encodePax(records: PaxRecords): Bytes {
  const encoded = [...records].sort(([a], [b]) => (sortKey(a) < sortKey(b) ? -1 : 1)).map(encodeRecord);
  return concat(encoded);
}

/** Puts the map of a sparse file behind the number of its regions, as GNU tar demands. */
function sortKey(key: string): string {
  return key === "GNU.sparse.map" ? "GNU.sparse.numblocks+" : key;
}

function encodeRecord([key, value]: readonly [string, Bytes]): Bytes {
  const keyBytes = encodeText(key);
  const rest = keyBytes.length + value.length + 3; // space, equals sign, newline
  // The length counts its own digits; one more of them can take one more.
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return concat([encodeText(`${length} `), keyBytes, Uint8Array.of(EQUALS), value, Uint8Array.of(NEWLINE)]);
}

/** Parses a non-negative decimal integer; returns `NaN` for other bytes, infinity if it is not a safe integer. */
export function parseDigits(bytes: Bytes): number {
  if (bytes.length === 0) return NaN;
  let value = 0;
  for (const byte of bytes) {
    if (byte < 0x30 || byte > 0x39) return NaN;
    value = value * 10 + (byte - 0x30);
  }
  return value > Number.MAX_SAFE_INTEGER ? Infinity : value;
}

/** As {@linkcode parseDigits}, with an optional minus sign. */
export function parseInteger(bytes: Bytes): number {
  return bytes[0] === 0x2d ? 0 - parseDigits(bytes.subarray(1)) : parseDigits(bytes);
}

/** Parses the seconds of a time record, `[-]digits[.digits]`; returns `NaN` for other bytes. */
export function parseSeconds(bytes: Bytes): number {
  const text = decodeText(bytes);
  if (!/^-?\d+(?:\.\d*)?$/.test(text)) return NaN;
  const seconds = Number(text);
  return Math.abs(seconds) > Number.MAX_SAFE_INTEGER ? Infinity : seconds;
}

/** Formats seconds for a time record: the shortest digits that read back as the same number, no exponent. */
export function formatSeconds(seconds: number): string {
  const text = String(seconds);
  return text.includes("e") ? seconds.toFixed(9) : text;
}

/** Joins the pieces. */
export function concat(pieces: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function joinWithCommas(pieces: readonly Bytes[]): Bytes {
  return concat(pieces.flatMap((piece, i) => (i === 0 ? [piece] : [Uint8Array.of(COMMA), piece])));
}
