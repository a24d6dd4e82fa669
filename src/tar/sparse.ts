/**
 * Sparse maps: which parts of a file are stored (GNU tar manual, "Storing Sparse Files").
 *
 * GNU tar knows four formats: the old one in the header block and extension blocks, and PAX 0.0, 0.1 (the map in
 * records) and 1.0 (the map in front of the content).
 */

import type { Bytes } from "../runtime/mod.ts";
import { BLOCK, FIELDS } from "./block.ts";
import { readNumber } from "./numbers.ts";
import { parseDigits } from "./pax.ts";

const NEWLINE = 0x0a;
const COMMA = 0x2c;
/** The offset and the length of a region in the old format. */
const PAIR = 24;
/** Regions in an extension block, and where its "one more follows" flag lies. */
const EXTENSION_REGIONS = 21;
const EXTENSION_FLAG = 504;

/** The stored regions of a sparse file: offset and length by turns, in bytes of the expanded content. */
export type SparseMap = number[];

/** Appends the regions in the old GNU header that starts at `start`; returns whether an extension block follows. */
export function readHeaderRegions(bytes: Bytes, start: number, map: SparseMap): boolean {
  readPairs(bytes, start + FIELDS.gnuSparse.at, FIELDS.gnuSparse.length / PAIR, map);
  return bytes[start + FIELDS.gnuExtended.at] !== 0;
}

/** Appends the regions in the extension block that starts at `start`; returns whether another one follows. */
export function readExtensionRegions(bytes: Bytes, start: number, map: SparseMap): boolean {
  readPairs(bytes, start, EXTENSION_REGIONS, map);
  return bytes[start + EXTENSION_FLAG] !== 0;
}

function readPairs(bytes: Bytes, from: number, count: number, map: SparseMap): void {
  for (let i = 0; i < count; i++) {
    const pair = from + i * PAIR;
    // The first empty pair ends the list.
    if (bytes[pair] === 0) return;
    map.push(readNumber(bytes, pair, { at: 0, length: 12 }), readNumber(bytes, pair, { at: 12, length: 12 }));
  }
}

/** Reads the `GNU.sparse.map` record of formats 0.0 and 0.1: `offset,length,offset,length,…`. */
export function parseMapRecord(value: Bytes): SparseMap {
  return value.length === 0 ? [] : splitNumbers(value, COMMA);
}

/** Reads the map of format 1.0: decimal lines in front of the content, the first one the number of regions. */
export class SparseMapBlocks {
  #linesWanted: number | undefined;
  #lines = 0;

  /**
   * Takes all blocks gathered so far, one more each time; returns the map once it is complete.
   *
   * A line that is no number becomes a `NaN`, which {@linkcode checkMap} refuses.
   */
  take(blocks: Bytes): SparseMap | undefined {
    for (let at = blocks.length - BLOCK; at < blocks.length; at++) {
      if (blocks[at] === NEWLINE) this.#lines++;
    }
    if (this.#linesWanted === undefined) {
      // No count of regions is as long as a block, so the first block has its newline.
      const count = parseDigits(blocks.subarray(0, Math.max(0, blocks.indexOf(NEWLINE))));
      if (!Number.isSafeInteger(count)) return [NaN];
      this.#linesWanted = count * 2 + 1;
    }
    if (this.#lines < this.#linesWanted) return undefined;
    return splitNumbers(blocks, NEWLINE).slice(1, this.#linesWanted);
  }
}

function splitNumbers(bytes: Bytes, separator: number): number[] {
  const numbers: number[] = [];
  let from = 0;
  for (;;) {
    const to = bytes.indexOf(separator, from);
    numbers.push(parseDigits(to === -1 ? bytes.subarray(from) : bytes.subarray(from, to)));
    if (to === -1) return numbers;
    from = to + 1;
  }
}

/**
 * Checks a map against the size of the file and the number of bytes that the archive stores.
 *
 * Returns the problem, or `undefined` if its regions ascend, don't overlap, lie in the file and add up.
 */
export function checkMap(map: SparseMap, size: number, stored: number): string | undefined {
  if (map.length % 2 !== 0 || !map.every((value) => Number.isSafeInteger(value) && value >= 0)) {
    return "its sparse map is not a list of offsets and lengths";
  }
  let end = 0;
  let sum = 0;
  for (let i = 0; i < map.length; i += 2) {
    if (map[i] < end) return `its sparse regions overlap at byte ${map[i]}`;
    end = map[i] + map[i + 1];
    sum += map[i + 1];
  }
  if (end > size) return `its sparse regions end at byte ${end} of a file of ${size} bytes`;
  if (sum !== stored) return `its sparse regions hold ${sum} bytes, but the archive stores ${stored}`;
  return undefined;
}
