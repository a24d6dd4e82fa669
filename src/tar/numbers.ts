/** Numbers in header fields: octal text, or base-256 where GNU tar needs more room or a sign. */

import type { Bytes } from "../runtime/mod.ts";
import type { Field } from "./block.ts";

const SPACE = 0x20;
const ZERO = 0x30;

/**
 * Reads the number in the field of the block that starts at `start`.
 *
 * An empty field is 0. `NaN` means that the field holds no number, an infinity that the number is past
 * `Number.MAX_SAFE_INTEGER`.
 */
export function readNumber(bytes: Bytes, start: number, field: Field): number {
  const from = start + field.at;
  const to = from + field.length;
  return (bytes[from] & 0x80) === 0 ? readOctal(bytes, from, to) : readBase256(bytes, from, to);
}

function readOctal(bytes: Bytes, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] === SPACE || bytes[at] === 0)) at++;
  let value = 0;
  // Twelve octal digits are 36 bits: no overflow of a double, but too much for shifts.
  for (; at < to; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  // What follows a NUL is never looked at: old writers leave rubbish there.
  while (at < to && bytes[at] === SPACE) at++;
  return at === to || bytes[at] === 0 ? value : NaN;
}

/** Two's complement, big-endian, with the topmost bit set as the mark of base-256. */
function readBase256(bytes: Bytes, from: number, to: number): number {
  const negative = (bytes[from] & 0x40) !== 0;
  const flip = negative ? 0xff : 0;
  let value = (bytes[from] ^ flip) & 0x7f;
  for (let at = from + 1; at < to; at++) {
    value = value * 256 + (bytes[at] ^ flip);
    if (value > Number.MAX_SAFE_INTEGER) return negative ? -Infinity : Infinity;
  }
  return negative ? -value - 1 : value;
}

/** Whether `value` fits the field as octal digits with a NUL behind them. */
export function fitsOctal(field: Field, value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 8 ** (field.length - 1);
}

/** Writes `value` as zero-padded octal digits and a NUL. */
export function writeOctal(block: Bytes, field: Field, value: number): void {
  let rest = value;
  for (let at = field.at + field.length - 2; at >= field.at; at--) {
    block[at] = ZERO + rest % 8;
    rest = Math.floor(rest / 8);
  }
  block[field.at + field.length - 1] = 0;
}

/** Whether the safe integer `value` fits the field in base-256. */
export function fitsBase256(field: Field, value: number): boolean {
  const limit = 2 ** (field.length * 8 - 2);
  return Number.isSafeInteger(value) && value >= -limit && value < limit;
}

/** Writes `value` in base-256. */
export function writeBase256(block: Bytes, field: Field, value: number): void {
  let rest = value;
  for (let at = field.at + field.length - 1; at >= field.at; at--) {
    const byte = ((rest % 256) + 256) % 256;
    block[at] = byte;
    rest = (rest - byte) / 256;
  }
  block[field.at] |= 0x80;
}
