/** Makes the header blocks of an entry independent of the global records before it. */

import type { Bytes } from "../runtime/mod.ts";
import { BLOCK, FIELDS, paddingAfter } from "./block.ts";
import { encodePaxHeader } from "./header_blocks.ts";
import { readNumber } from "./numbers.ts";
import { concat, type PaxRecords } from "./pax.ts";

/** The blocks of an entry with the global records in force as its own; its header block lies at `at`. */
export function foldGlobals(blocks: Bytes, at: number, records: { pax: PaxRecords; globals: PaxRecords }): Bytes {
  const merged = new Map(records.globals);
  for (const [key, value] of records.pax) {
    // An empty record of its own takes the global one back.
    if (value.length === 0 && records.globals.has(key)) merged.delete(key);
    else merged.set(key, value);
  }
  const pieces = merged.size > 0 ? [encodePaxHeader(merged, "x")] : [];
  let from = 0;
  while (from < at) {
    const size = readNumber(blocks, from, FIELDS.size);
    const to = from + BLOCK + size + paddingAfter(size);
    const flag = String.fromCharCode(blocks[from + FIELDS.typeflag.at]);
    if (flag === "L" || flag === "K") pieces.push(blocks.subarray(from, to));
    from = to;
  }
  return concat([...pieces, blocks.subarray(at)]);
}
