/** Makes the header blocks of an entry mean the same in another archive. */

import type { Bytes } from "../runtime/mod.ts";
import { hasContent, isOldDirectory } from "./entry_type.ts";
import { BLOCK, FIELDS, paddingAfter } from "./block.ts";
import { blockChecksum } from "./checksum.ts";
import { encodePaxHeader } from "./header_blocks.ts";
import { readNumber, writeOctal } from "./numbers.ts";
import { concat, NAME_KEYS, NUMBER_KEYS, type PaxRecords } from "./pax.ts";
import { decodeText, encodeText } from "./text.ts";
import type { TarHeader } from "./types.ts";

type EntryFacts = Pick<TarHeader, "type" | "typeflag" | "sparse" | "pax" | "globals">;

/** The records that describe a sparse file, by the format. The name counts for any file. */
const SPARSE = "GNU.sparse.";
const SPARSE_KEYS = {
  none: ["GNU.sparse.name"],
  "0.1": ["GNU.sparse.name", "GNU.sparse.size", "GNU.sparse.numblocks", "GNU.sparse.map"],
  "1.0": ["GNU.sparse.name", "GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.realsize"],
} as const satisfies Record<string, readonly string[]>;

/** Typeflags of entries without content, where GNU tar passes over as many bytes as the size field names. */
const MISREAD_SIZE = "2346";

/**
 * Returns the header blocks of an entry, whose own header block lies at `at`: the numbers of the global records in force
 * are among its own records, an entry without content has no size, since GNU tar would pass over what follows, and one
 * that is not sparse has no records of a sparse file, which GNU tar reads nevertheless. Empty records of names, which
 * GNU tar takes for the names, are left out.
 */
export function ownHeader(blocks: Bytes, at: number, entry: EntryFacts): Bytes {
  const records = ownRecords(entry);
  const size = readNumber(blocks, at, FIELDS.size);
  const misread = MISREAD_SIZE.includes(entry.typeflag) || isOldDirectory(entry)
    ? size !== 0
    : !hasContent(entry.type) && !(size >= 0);
  if (records === undefined && !misread) return blocks;
  const before = blocks.subarray(0, at);
  return concat([
    ...(records === undefined ? [before] : withRecords(before, records)),
    misread ? withoutSize(blocks.subarray(at)) : blocks.subarray(at),
  ]);
}

/** Returns the records that the entry is to have, `undefined` if they are the ones that it has. */
function ownRecords({ type, typeflag, sparse, pax, globals }: EntryFacts): PaxRecords | undefined {
  const records = new Map(pax);
  for (const [key, value] of globals) if (NUMBER_KEYS.has(key) && !records.has(key)) records.set(key, value);
  if (!hasContent(type)) records.delete("size");
  // An empty record takes the global one back. GNU tar refuses an empty number, and reads an empty name.
  for (const key of NUMBER_KEYS) if (records.get(key)?.length === 0) records.delete(key);
  for (const key of NAME_KEYS) if (records.get(key)?.length === 0 && !globals.has(key)) records.delete(key);
  const version = !sparse || typeflag === "S" ? "none" : records.has(`${SPARSE}major`) ? "1.0" : "0.1";
  for (const key of pax.keys()) if (key.startsWith(SPARSE) && !isOneOf(SPARSE_KEYS[version], key)) records.delete(key);
  if (version === "0.1") countRegions(records);
  return sameRecords(records, pax) ? undefined : records;
}

/** Sets the number of regions where it is missing or another one than that of the map. */
function countRegions(records: Map<string, Bytes>): void {
  const map = decodeText(records.get(`${SPARSE}map`) ?? new Uint8Array(0));
  const count = map === "" ? 0 : map.split(",").length / 2;
  const key = `${SPARSE}numblocks`;
  if (decodeText(records.get(key) ?? new Uint8Array(0)) !== String(count)) records.set(key, encodeText(String(count)));
}

function isOneOf(keys: readonly string[], key: string): boolean {
  return keys.includes(key);
}

function sameRecords(a: PaxRecords, b: PaxRecords): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
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
