/** The header of an entry on its own, for an archive that is written in another way than from its beginning. */

import type { Bytes } from "../runtime/mod.ts";
import { encodeEntryHeader, type TarWriteFormat } from "./encode_entry.ts";
import type { TarNewEntry } from "./write_entry.ts";

/** How {@linkcode encodeTarHeader} writes. */
export interface TarHeaderOptions {
  /**
   * What becomes of values that don't fit a ustar header; as for `writeTar`.
   *
   * @default {"pax"}
   */
  format?: TarWriteFormat;
}

/**
 * The blocks that `writeTar` puts in front of the content of an entry. Behind the content belong zeros up to
 * the next multiple of 512 bytes, and behind the last entry 1024 zeros.
 *
 * @param entry what to write; its content is not looked at, its size is 0 unless it says another
 * @throws {TarError} If the entry does not fit the format.
 */
export function encodeTarHeader(entry: TarNewEntry, options: TarHeaderOptions = {}): Bytes {
  const { format = "pax" } = options;
  return encodeEntryHeader(entry, { size: entry.size ?? 0, format, globals: new Set() });
}
