/** Writes header blocks, and the PAX and GNU records that precede one. */

import type { Bytes } from "../runtime/mod.ts";
import { BLOCK, type Field, FIELDS, paddingAfter } from "./block.ts";
import { blockChecksum } from "./checksum.ts";
import { fitsOctal, writeBase256, writeOctal } from "./numbers.ts";
import { concat, encodePax, type PaxRecords } from "./pax.ts";
import { encodeText } from "./text.ts";

/** The values of a header block; names are cut off and numbers must fit where the dialect has no base-256. */
export interface BlockValues {
  dialect: "ustar" | "gnu";
  name: Bytes;
  prefix?: Bytes;
  typeflag: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  linkname?: Bytes;
  uname?: Bytes;
  gname?: Bytes;
  devMajor?: number;
  devMinor?: number;
  /** GNU dialect only. */
  atime?: number;
  /** GNU dialect only. */
  ctime?: number;
}

// The same for every archive, so that equal input gives equal bytes.
const PAX_NAME = encodeText("././@PaxHeader");
const GLOBAL_NAME = encodeText("pax_global_header");
const LONG_NAME = encodeText("././@LongLink");
const RECORD_MODE = 0o644;
// Magic and version, which lie side by side.
const USTAR_MAGIC = encodeText("ustar\x0000");
const GNU_MAGIC = encodeText("ustar  \0");

/** Writes one header block. */
export function encodeBlock(values: BlockValues): Bytes {
  const block = new Uint8Array(BLOCK);
  const gnu = values.dialect === "gnu";
  putText(block, FIELDS.name, values.name);
  putNumber(block, FIELDS.mode, values.mode);
  putNumber(block, FIELDS.uid, values.uid);
  putNumber(block, FIELDS.gid, values.gid);
  putNumber(block, FIELDS.size, values.size);
  putNumber(block, FIELDS.mtime, values.mtime);
  block[FIELDS.typeflag.at] = values.typeflag.charCodeAt(0);
  putText(block, FIELDS.linkname, values.linkname);
  block.set(gnu ? GNU_MAGIC : USTAR_MAGIC, FIELDS.magic.at);
  putText(block, FIELDS.uname, values.uname);
  putText(block, FIELDS.gname, values.gname);
  putNumber(block, FIELDS.devMajor, values.devMajor ?? 0);
  putNumber(block, FIELDS.devMinor, values.devMinor ?? 0);
  if (gnu) {
    if (values.atime !== undefined) putNumber(block, FIELDS.gnuAtime, values.atime);
    if (values.ctime !== undefined) putNumber(block, FIELDS.gnuCtime, values.ctime);
  } else {
    putText(block, FIELDS.prefix, values.prefix);
  }
  // Six digits, NUL, space: the form that every reader knows.
  writeOctal(block, { at: FIELDS.checksum.at, length: FIELDS.checksum.length - 1 }, blockChecksum(block));
  block[FIELDS.checksum.at + FIELDS.checksum.length - 1] = 0x20;
  return block;
}

/** Writes an extended header with these records: `x` for the next entry, `g` for all that follow. */
export function encodePaxHeader(records: PaxRecords, typeflag: "x" | "g"): Bytes {
  return encodeRecord(typeflag, typeflag === "x" ? PAX_NAME : GLOBAL_NAME, encodePax(records));
}

/** Writes the GNU record of a long name (`L`) or link target (`K`). */
export function encodeLongName(name: Bytes, typeflag: "L" | "K"): Bytes {
  return encodeRecord(typeflag, LONG_NAME, concat([name, Uint8Array.of(0)]));
}

function encodeRecord(typeflag: string, name: Bytes, body: Bytes): Bytes {
  const header = encodeBlock({
    dialect: typeflag === "L" || typeflag === "K" ? "gnu" : "ustar",
    name,
    typeflag,
    mode: RECORD_MODE,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 0,
  });
  return concat([header, body, new Uint8Array(paddingAfter(body.length))]);
}

function putText(block: Bytes, field: Field, text: Bytes | undefined): void {
  if (text !== undefined && text.length > 0) {
    block.set(text.length > field.length ? text.subarray(0, field.length) : text, field.at);
  }
}

function putNumber(block: Bytes, field: Field, value: number): void {
  if (fitsOctal(field, value)) writeOctal(block, field, value);
  else writeBase256(block, field, value);
}
