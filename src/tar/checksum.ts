/** The checksum of a header block (POSIX.1-2017, pax, "ustar Interchange Format"). */

import type { Bytes } from "../runtime/mod.ts";
import { BLOCK, FIELDS, textField } from "./block.ts";
import { readNumber } from "./numbers.ts";
import { quoteName } from "./text.ts";

const { at: AT, length: LENGTH } = FIELDS.checksum;

/** Adds up the bytes of a block, with the checksum field taken as eight spaces. */
export function blockChecksum(block: Bytes): number {
  let sum = LENGTH * 0x20;
  for (let i = 0; i < AT; i++) sum += block[i];
  for (let i = AT + LENGTH; i < BLOCK; i++) sum += block[i];
  return sum;
}

/**
 * Checks the block at `start`, whose bytes add up to `sum`, its checksum field included.
 *
 * Returns the problem, `undefined` if there is none.
 */
export function checksumProblem(bytes: Bytes, start: number, sum: number): string | undefined {
  let expected = sum + LENGTH * 0x20;
  for (let i = start + AT; i < start + AT + LENGTH; i++) expected -= bytes[i];
  const written = readNumber(bytes, start, FIELDS.checksum);
  if (written === expected || written === signedChecksum(bytes, start, expected)) return undefined;
  const shown = Number.isFinite(written) ? String(written) : quoteName(textField(bytes, start, FIELDS.checksum));
  return `has the checksum ${shown}, but its bytes give ${expected}`;
}

/** Returns the checksum of old writers, which took bytes as signed. */
function signedChecksum(bytes: Bytes, start: number, unsigned: number): number {
  let sum = unsigned;
  for (let i = 0; i < BLOCK; i++) {
    if (bytes[start + i] > 0x7f && (i < AT || i >= AT + LENGTH)) sum -= 256;
  }
  return sum;
}
