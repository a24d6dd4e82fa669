/** The 512-byte header block: where each field lies and which dialect a block speaks (POSIX.1-2017, pax, "ustar"). */

import type { Bytes } from "../runtime/mod.ts";

/** The size of a block in bytes; headers and contents are padded to it. */
export const BLOCK = 512;

/** Where a field lies in its block. */
export interface Field {
  /** The offset of the first byte. */
  readonly at: number;
  /** The number of bytes. */
  readonly length: number;
}

/** The fields of every dialect. */
export const FIELDS = {
  name: { at: 0, length: 100 },
  mode: { at: 100, length: 8 },
  uid: { at: 108, length: 8 },
  gid: { at: 116, length: 8 },
  size: { at: 124, length: 12 },
  mtime: { at: 136, length: 12 },
  checksum: { at: 148, length: 8 },
  typeflag: { at: 156, length: 1 },
  linkname: { at: 157, length: 100 },
  magic: { at: 257, length: 6 },
  version: { at: 263, length: 2 },
  uname: { at: 265, length: 32 },
  gname: { at: 297, length: 32 },
  devMajor: { at: 329, length: 8 },
  devMinor: { at: 337, length: 8 },
  prefix: { at: 345, length: 155 },
  gnuAtime: { at: 345, length: 12 },
  gnuCtime: { at: 357, length: 12 },
  gnuSparse: { at: 386, length: 96 },
  gnuExtended: { at: 482, length: 1 },
  gnuRealSize: { at: 483, length: 12 },
  starPrefix: { at: 345, length: 131 },
  starAtime: { at: 476, length: 12 },
  starCtime: { at: 488, length: 12 },
  starMagic: { at: 508, length: 4 },
} as const;

/** The dialect of a header block. */
export type Dialect = "v7" | "ustar" | "gnu" | "star";

/** Reads the dialect of the header block that starts at `start`. */
export function dialectOf(bytes: Bytes, start: number): Dialect {
  const at = start + FIELDS.magic.at;
  if (!matches(bytes, at, "ustar")) return "v7";
  if (bytes[at + 5] === 0x20) return bytes[at + 6] === 0x20 && bytes[at + 7] === 0 ? "gnu" : "v7";
  if (bytes[at + 5] !== 0) return "v7";
  return matches(bytes, start + FIELDS.starMagic.at, "tar\0") ? "star" : "ustar";
}

function matches(bytes: Bytes, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** The bytes of a text field up to its first NUL, as a view. */
export function textField(bytes: Bytes, start: number, field: Field): Bytes {
  const from = start + field.at;
  const limit = from + field.length;
  let to = from;
  while (to < limit && bytes[to] !== 0) to++;
  return bytes.subarray(from, to);
}

/** How many bytes of padding follow `size` bytes of content. */
export function paddingAfter(size: number): number {
  return (BLOCK - size % BLOCK) % BLOCK;
}
