/** The numbers of an entry, from its header block and its PAX records. */

import { TarError } from "../errors.ts";
import type { Bytes } from "../runtime/mod.ts";
import type { ArchiveEntry } from "./archive_entry.ts";
import { hasContent, isOldDirectory } from "./entry_type.ts";
import { FIELDS } from "./block.ts";
import { fitsOctal, readNumber } from "./numbers.ts";
import { parseInteger, parseSeconds } from "./pax.ts";
import { quoteName } from "./text.ts";

/** Sets the numbers of `entry`, whose header block lies at `at`. */
export function readNumbers(entry: ArchiveEntry, bytes: Bytes, at: number): void {
  entry.mode = modeOf(fieldNumber(entry, "mode", bytes, at));
  entry.uid = fieldNumber(entry, "uid", bytes, at);
  entry.gid = fieldNumber(entry, "gid", bytes, at);
  entry.mtime = fieldNumber(entry, "mtime", bytes, at);
  const size = fieldNumber(entry, "size", bytes, at);
  setSize(entry, size);
  if (entry.type === "characterDevice" || entry.type === "blockDevice") {
    entry.devMajor = fieldNumber(entry, "devMajor", bytes, at);
    entry.devMinor = fieldNumber(entry, "devMinor", bytes, at);
    for (const name of ["devMajor", "devMinor"] as const) {
      if (entry[name] < 0) throw corruptEntry(entry, `its ${name} is negative (${entry[name]})`);
    }
  }
  if (entry.pax.size > 0 || entry.globals.size > 0) applyRecords(entry);
  demandSize(entry);
}

/** Reduces a mode that no octal field holds, such as -1, to its permissions, set-id and sticky bits. */
function modeOf(mode: number): number {
  return fitsOctal(FIELDS.mode, mode) ? mode : ((mode % 0o10000) + 0o10000) % 0o10000;
}

function applyRecords(entry: ArchiveEntry): void {
  entry.uid = recordNumber(entry, "uid", parseInteger) ?? entry.uid;
  entry.gid = recordNumber(entry, "gid", parseInteger) ?? entry.gid;
  entry.mtime = recordNumber(entry, "mtime", parseSeconds) ?? entry.mtime;
  // These two are parsed when asked for; what is wrong with them shows now.
  recordNumber(entry, "atime", parseSeconds);
  recordNumber(entry, "ctime", parseSeconds);
  const size = recordNumber(entry, "size", parseInteger);
  if (size !== undefined) setSize(entry, size);
}

function setSize(entry: ArchiveEntry, size: number): void {
  if (hasContent(entry.type)) entry.size = entry.storedSize = size;
  // Go and GNU tar pass over as many bytes.
  else if (isOldDirectory(entry)) entry.passedSize = size;
}

/** Throws if the size of `entry` is negative. */
export function demandSize(entry: ArchiveEntry): void {
  const size = Math.min(entry.size, entry.passedSize);
  if (size < 0) throw corruptEntry(entry, `its size is negative (${size})`);
}

/** The number in a field of the header block at `at`. */
export function fieldNumber(entry: ArchiveEntry, name: keyof typeof FIELDS, bytes: Bytes, at: number): number {
  const field = FIELDS[name];
  const value = readNumber(bytes, at, field);
  if (Number.isFinite(value)) return value;
  throw noNumber(entry, name, value, bytes.subarray(at + field.at, at + field.at + field.length));
}

/** The number in the PAX record `key`, if there is one. */
export function recordNumber(entry: ArchiveEntry, key: string, parse: (value: Bytes) => number): number | undefined {
  const record = entry.record(key);
  if (record === undefined) return undefined;
  const value = parse(record);
  if (Number.isFinite(value)) return value;
  throw noNumber(entry, key, value, record);
}

function noNumber(entry: ArchiveEntry, name: string, value: number, bytes: Bytes): TarError {
  return corruptEntry(entry, `its ${name} ${quoteName(bytes)} is ${Number.isNaN(value) ? "no number" : "too large"}`);
}

/** The error for an entry that is not well formed. */
export function corruptEntry(entry: ArchiveEntry, what: string): TarError {
  return new TarError(`tar entry ${quoteName(entry.path)} at offset ${entry.offset}: ${what}`);
}
