/** Makes the header blocks of an entry mean the same in another archive. */

import type { Bytes } from "../runtime/mod.ts";
import { hasContent } from "./entry_type.ts";
import { BLOCK, FIELDS, paddingAfter } from "./block.ts";
import { blockChecksum } from "./checksum.ts";
import { encodePaxHeader } from "./header_blocks.ts";
import { readNumber, writeOctal } from "./numbers.ts";
import { concat, NUMBER_KEYS, type PaxRecords } from "./pax.ts";
import type { TarHeader } from "./types.ts";

type EntryFacts = Pick<TarHeader, "type" | "typeflag" | "pax" | "globals">;

/** Typeflags of entries without content, where GNU tar passes over as many bytes as the size field names. */
const MISREAD_SIZE = "2346";

/**
 * Returns the header blocks of an entry, whose own header block lies at `at`: the numbers of the global records in force
 * are among its own records, and an entry without content has no size, since GNU tar would pass over what follows.
 */
export function ownHeader(blocks: Bytes, at: number, entry: EntryFacts): Bytes {
  const records = ownRecords(entry);
  const misread = MISREAD_SIZE.includes(entry.typeflag) && readNumber(blocks, at, FIELDS.size) !== 0;
  if (records === undefined && !misread) return blocks;
  const before = blocks.subarray(0, at);
  return concat([
    ...(records === undefined ? [before] : withRecords(before, records)),
    misread ? withoutSize(blocks.subarray(at)) : blocks.subarray(at),
  ]);
}

/** Returns the records that the entry is to have, `undefined` if they are the ones that it has. */
function ownRecords({ type, pax, globals }: EntryFacts): PaxRecords | undefined {
  const sized = hasContent(type);
  const numbers = [...globals].filter(([key]) => NUMBER_KEYS.has(key) && (sized || key !== "size"));
  if (numbers.length === 0 && (sized || !pax.has("size"))) return undefined;
  const records = new Map([...numbers, ...pax]);
  if (!sized) records.delete("size");
  // An empty record of its own takes the global one back.
  for (const [key] of numbers) if (records.get(key)?.length === 0) records.delete(key);
  return records;
}

/** Returns the blocks in front of a header block with other PAX records; GNU records stay. */
function withRecords(blocks: Bytes, records: PaxRecords): Bytes[] {
  const pieces = records.size > 0 ? [encodePaxHeader(records, "x")] : [];
  let from = 0;
  while (from < blocks.length) {
    const size = readNumber(blocks, from, FIELDS.size);
    const to = from + BLOCK + size + paddingAfter(size);
    const flag = String.fromCharCode(blocks[from + FIELDS.typeflag.at]);
    if (flag === "L" || flag === "K") pieces.push(blocks.subarray(from, to));
    from = to;
  }
  return pieces;
}

function withoutSize(header: Bytes): Bytes {
  const block = header.slice();
  writeOctal(block, FIELDS.size, 0);
  writeOctal(block, { at: FIELDS.checksum.at, length: FIELDS.checksum.length - 1 }, blockChecksum(block));
  block[FIELDS.checksum.at + FIELDS.checksum.length - 1] = 0x20;
  return block;
}
