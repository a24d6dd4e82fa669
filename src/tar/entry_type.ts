/** The types of entries, by their typeflags. */

import type { TarEntryType } from "./types.ts";

const TYPES: Record<string, TarEntryType> = {
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "characterDevice",
  "4": "blockDevice",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  "S": "file",
};

/** Returns the type of a typeflag. */
export function typeOfFlag(typeflag: string): TarEntryType {
  return TYPES[typeflag] ?? "unknown";
}

/** Returns whether an entry is a directory by its name alone, which ends in a slash, as it was before typeflags. */
export function isOldDirectory({ type, typeflag }: { type: TarEntryType; typeflag: string }): boolean {
  return type === "directory" && typeflag === "0";
}

/** Returns whether entries of a type have content; the size in the header of the others is ignored. */
export function hasContent(type: TarEntryType): boolean {
  return type === "file" || type === "unknown";
}
