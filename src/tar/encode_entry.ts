/** Encodes the header of an entry: values that don't fit the block become PAX or GNU records. */

import { TarError } from "../errors.ts";
import { type Bytes, sameBytes } from "../runtime/mod.ts";
import { hasContent, typeOfFlag } from "./entry_type.ts";
import { type Field, FIELDS } from "./block.ts";
import { type BlockValues, encodeBlock, encodeLongName, encodePaxHeader } from "./header_blocks.ts";
import { fitsBase256, fitsOctal } from "./numbers.ts";
import { concat, formatSeconds, parseInteger, parseSeconds, type PaxRecords } from "./pax.ts";
import { encodeText, isAscii, isUtf8, quoteName, toBytes } from "./text.ts";
import type { TarEntryType } from "./types.ts";
import type { TarNewEntry, TarPaxInput } from "./write_entry.ts";

/** The formats that can be written. */
export type TarWriteFormat = "pax" | "gnu" | "ustar";

const FLAGS: Record<Exclude<TarEntryType, "unknown">, string> = {
  file: "0",
  link: "1",
  symlink: "2",
  characterDevice: "3",
  blockDevice: "4",
  directory: "5",
  fifo: "6",
};

/** Typeflags that carry records for other entries, or content in another layout. */
const RESERVED_FLAGS = "xXgLKS";
const SLASH = 0x2f;
/** Names of users and groups end in a NUL (POSIX, "ustar Interchange Format"). */
const OWNER_LENGTH = FIELDS.uname.length - 1;
/** Records that the writer makes itself. */
const OWN_KEYS = ["path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime", "atime", "ctime"];

const NO_BYTES: Bytes = new Uint8Array(0);

/** The global records in force. */
type Globals = Pick<PaxRecords, "has" | "get">;

/** The header of one entry, about to be written. */
class EntryHeader {
  readonly #entry: TarNewEntry;
  readonly #format: TarWriteFormat;
  readonly #globals: Globals;
  readonly #given: PaxRecords;
  readonly #records = new Map<string, Bytes>();
  readonly #longNames: Bytes[] = [];

  constructor(entry: TarNewEntry, format: TarWriteFormat, globals: Globals) {
    this.#entry = entry;
    this.#format = format;
    this.#globals = globals;
    // Other formats have no global records to put those in that the entry brings.
    this.#given = paxRecords([...(format === "pax" ? [] : entry.globals ?? []), ...(entry.pax ?? [])]);
    for (const [key, value] of this.#given) {
      if (!OWN_KEYS.includes(key) && !key.startsWith("GNU.sparse.")) this.#records.set(key, value);
    }
  }

  /** The entry's name, for messages. */
  get #name(): string {
    return quoteName(this.#entry.path);
  }

  encode(size: number): Bytes {
    const entry = this.#entry;
    const type = entry.type ?? "file";
    const { name, prefix } = this.#path(toBytes(entry.path));
    const values: BlockValues = {
      dialect: this.#format === "gnu" ? "gnu" : "ustar",
      name,
      prefix,
      typeflag: this.#typeflag(type),
      mode: this.#octal("mode", entry.mode ?? defaultMode(type)),
      uid: this.#number("uid", this.#id("uid")),
      gid: this.#number("gid", this.#id("gid")),
      size: this.#number("size", size),
      mtime: this.#time("mtime") ?? 0,
      linkname: this.#linkname(type),
      uname: this.#owner("uname"),
      gname: this.#owner("gname"),
      devMajor: this.#octal("devMajor", entry.devMajor ?? 0),
      devMinor: this.#octal("devMinor", entry.devMinor ?? 0),
      atime: this.#time("atime"),
      ctime: this.#time("ctime"),
    };
    if (this.#records.size > 0 && this.#format !== "pax") {
      throw this.#misfit(`its PAX record ${quoteName([...this.#records.keys()][0])}`);
    }
    const block = encodeBlock(values);
    if (this.#records.size > 0) return concat([encodePaxHeader(this.#records, "x"), block]);
    return this.#longNames.length === 0 ? block : concat([...this.#longNames, block]);
  }

  #typeflag(type: TarEntryType): string {
    const flag = this.#entry.typeflag ?? (type === "unknown" ? undefined : FLAGS[type]);
    if (flag === undefined || flag.length !== 1 || flag.charCodeAt(0) > 0xff) {
      throw new TypeError(`tar entry ${this.#name}: a typeflag of one character is needed`);
    }
    if (RESERVED_FLAGS.includes(flag) || typeOfFlag(flag) !== type) {
      throw new TypeError(`tar entry ${this.#name}: typeflag ${quoteName(flag)} is not one of type "${type}"`);
    }
    return flag;
  }

  #path(path: Bytes): { name: Bytes; prefix?: Bytes } {
    if (path.length === 0) throw new TarError("tar entry without a path can't be written");
    this.#refuseNul("path", path);
    if (this.#format === "gnu") {
      if (path.length > FIELDS.name.length) this.#longNames.push(encodeLongName(path, "L"));
      return { name: path };
    }
    const split = splitPath(path);
    if (split !== undefined && this.#mayStay("path", path)) return split;
    this.#record("path", path);
    return split ?? { name: path };
  }

  #linkname(type: TarEntryType): Bytes | undefined {
    const linkname = this.#entry.linkname === undefined ? this.#given.get("linkpath") : toBytes(this.#entry.linkname);
    if (linkname === undefined || linkname.length === 0) {
      if (type !== "link" && type !== "symlink") return undefined;
      throw new TarError(`tar entry ${this.#name}: a ${type} needs a linkname`);
    }
    this.#refuseNul("linkname", linkname);
    const fits = linkname.length <= FIELDS.linkname.length;
    if (this.#format === "gnu") {
      if (!fits) this.#longNames.push(encodeLongName(linkname, "K"));
    } else if (!fits || !this.#mayStay("linkpath", linkname)) {
      this.#record("linkpath", linkname);
    }
    return linkname;
  }

  #owner(key: "uname" | "gname"): Bytes {
    const given = this.#entry[key];
    const name = given === undefined ? this.#given.get(key) : toBytes(given);
    if (name === undefined || (name.length === 0 && !this.#globals.has(key))) return NO_BYTES;
    this.#refuseNul(key, name);
    const fits = name.length <= OWNER_LENGTH;
    if (fits && (this.#format === "gnu" || this.#mayStay(key, name))) return name;
    this.#record(key, name);
    return fits ? name : NO_BYTES;
  }

  /** Returns whether a name that fits its field needs no record. */
  #mayStay(key: string, name: Bytes): boolean {
    if (this.#format === "ustar") return true;
    // A record is UTF-8 in every locale of the reader; bytes that are not UTF-8 are safest in the field.
    return !this.#globals.has(key) && (isAscii(name) || !isUtf8(name));
  }

  #id(key: "uid" | "gid"): number | undefined {
    const record = this.#given.get(key);
    return this.#entry[key] ?? (record === undefined || record.length === 0 ? undefined : parseInteger(record));
  }

  /** Returns the value for the field, 0 if it goes to a record. */
  #number(key: "uid" | "gid" | "size", value: number | undefined): number {
    if (value === undefined) return 0;
    if (!Number.isSafeInteger(value)) {
      throw new TypeError(`tar entry ${this.#name}: ${key} ${value} is no safe integer`);
    }
    const field = FIELDS[key];
    if (this.#fits(field, value) && !this.#globals.has(key)) return value;
    this.#record(key, encodeText(String(value)));
    return fitsOctal(field, value) ? value : 0;
  }

  #octal(key: "mode" | "devMajor" | "devMinor", value: number): number {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new TypeError(`tar entry ${this.#name}: ${key} ${value} is no non-negative integer`);
    }
    // PAX has no record for these; GNU tar and Go read base-256 in PAX headers too.
    const fits = this.#format === "ustar" ? fitsOctal : fitsBase256;
    if (!fits(FIELDS[key], value)) throw this.#misfit(`its ${key} ${value}`);
    return value;
  }

  /** Returns the whole seconds for the field; a fraction goes to a record. */
  #time(key: "mtime" | "atime" | "ctime"): number | undefined {
    const record = this.#given.get(key);
    const recorded = record === undefined || record.length === 0 ? undefined : parseSeconds(record);
    const seconds = this.#entry[key] ?? recorded;
    if (seconds === undefined) return undefined;
    if (!(Math.abs(seconds) <= Number.MAX_SAFE_INTEGER)) {
      throw new TypeError(`tar entry ${this.#name}: ${key} ${seconds} is no time`);
    }
    const whole = Math.floor(seconds);
    if (this.#format === "gnu") return whole;
    const fits = fitsOctal(FIELDS.mtime, whole);
    if (this.#format === "ustar") {
      if (key !== "mtime" || !fits) throw this.#misfit(`its ${key} ${seconds}`);
    } else if (key !== "mtime" || !fits || whole !== seconds || this.#globals.has(key)) {
      // The record that was read has more digits than a number.
      this.#record(key, record !== undefined && recorded === seconds ? record : encodeText(formatSeconds(seconds)));
    }
    return fits ? whole : 0;
  }

  #fits(field: Field, value: number): boolean {
    return fitsOctal(field, value) || (this.#format === "gnu" && fitsBase256(field, value));
  }

  #record(key: string, value: Bytes): void {
    if (this.#format !== "pax") throw this.#misfit(`its ${key} ${quoteName(value)}`);
    // A value of a global record is not repeated in each entry.
    if (!sameBytes(this.#globals.get(key), value)) this.#records.set(key, value);
  }

  #refuseNul(what: string, name: Bytes): void {
    if (name.includes(0)) throw new TarError(`tar entry ${this.#name}: its ${what} holds a NUL`);
  }

  #misfit(what: string): TarError {
    return new TarError(`tar entry ${this.#name}: ${what} does not fit format "${this.#format}"`, {
      hint: `use format "pax"`,
    });
  }
}

/**
 * Encodes all header blocks of an entry.
 *
 * `globals` are the global records in force, which the entry's other values must override.
 */
export function encodeEntryHeader(
  entry: TarNewEntry,
  options: { size: number; format: TarWriteFormat; globals: Globals },
): Bytes {
  const type = entry.type ?? "file";
  if (options.size > 0 && !hasContent(type)) {
    throw new TypeError(`tar entry ${quoteName(entry.path)}: a ${type} has no content`);
  }
  return new EntryHeader(entry, options.format, options.globals).encode(options.size);
}

/** Checks records and returns them as bytes. */
export function paxRecords(input: TarPaxInput): Map<string, Bytes> {
  const records = new Map<string, Bytes>();
  for (const [key, value] of input) {
    if (key === "" || key.includes("=") || key.includes("\0")) {
      throw new TypeError(`The key ${quoteName(key)} of a PAX record is empty or holds "=" or NUL`);
    }
    records.set(key, toBytes(value));
  }
  return records;
}

/** Splits a path into the two fields of a ustar block; `undefined` if it does not fit them. */
function splitPath(path: Bytes): { name: Bytes; prefix?: Bytes } | undefined {
  if (path.length <= FIELDS.name.length) return { name: path };
  // The last slash that leaves a name and a prefix that fit; a slash at the end leaves no name.
  const slash = path.subarray(0, FIELDS.prefix.length + 1).lastIndexOf(SLASH, path.length - 2);
  if (slash <= 0 || path.length - slash - 1 > FIELDS.name.length) return undefined;
  return { name: path.subarray(slash + 1), prefix: path.subarray(0, slash) };
}

function defaultMode(type: TarEntryType): number {
  return type === "directory" ? 0o755 : type === "symlink" ? 0o777 : 0o644;
}
