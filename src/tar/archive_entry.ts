/** An entry of an archive: decodes header fields lazily and reads content through the archive's reader. */

import { LimitError } from "../errors.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { type Dialect, dialectOf, FIELDS, textField } from "./block.ts";
import { hasContent, typeOfFlag } from "./entry_type.ts";
import { readNumber } from "./numbers.ts";
import { parseSeconds, type PaxRecords } from "./pax.ts";
import { ownHeader } from "./own_header.ts";
import { decodeText, isAscii, quoteName } from "./text.ts";
import type { TarBytesOptions, TarChunks, TarEntry, TarEntryType, TarFormat, TarStreamHeader } from "./types.ts";

/** The source of the content of entries. */
export interface ContentSource {
  /** Reads the next piece of the content of `entry`. */
  readContent(entry: ArchiveEntry): Bytes | undefined | Promise<Bytes | undefined>;
  /** Switches to the stored content, without holes. */
  useStored(entry: ArchiveEntry): void;
  /** Passes over the rest of the content. */
  skipContent(entry: ArchiveEntry): void;
  /** Returns the number of bytes of the content that have not been read. */
  remaining(entry: ArchiveEntry): number;
}

/** The records that precede the header block of an entry. */
export interface EntryPrefix {
  /** The entry's own PAX records. */
  pax: PaxRecords;
  /** The global PAX records in force. */
  globals: PaxRecords;
  /** The name in a GNU `L` record. */
  longName: Bytes | undefined;
  /** The link target in a GNU `K` record. */
  longLink: Bytes | undefined;
}

const NO_BYTES: Bytes = new Uint8Array(0);
const DEFAULT_BYTES_LIMIT = 64 * 1024 * 1024;

/** A {@linkcode TarEntry} over gathered header blocks. */
export class ArchiveEntry implements TarEntry {
  readonly offset: number;
  readonly pax: PaxRecords;
  readonly globals: PaxRecords;
  readonly typeflag: string;
  readonly type: TarEntryType;
  mode = 0;
  uid = 0;
  gid = 0;
  mtime = 0;
  devMajor = 0;
  devMinor = 0;
  size = 0;
  storedSize = 0;
  /** The bytes behind the headers that are no content: a directory of the time before typeflags may have a size. */
  passedSize = 0;
  sparse = false;
  contentOffset = 0;
  #blocks: Bytes;
  #at: number;
  readonly #dialect: Dialect;
  readonly #longName: Bytes | undefined;
  readonly #longLink: Bytes | undefined;
  #source: ContentSource | undefined;
  #path: string | undefined;
  #readable: ByteStream | undefined;

  /** Makes the entry whose header block lies at `at` of `blocks`. */
  constructor(blocks: Bytes, options: { at: number; offset: number; prefix: EntryPrefix }) {
    this.#blocks = blocks;
    this.#at = options.at;
    this.offset = options.offset;
    this.pax = options.prefix.pax;
    this.globals = options.prefix.globals;
    this.#longName = options.prefix.longName;
    this.#longLink = options.prefix.longLink;
    this.#dialect = dialectOf(blocks, this.#at);
    const flag = blocks[this.#at + FIELDS.typeflag.at];
    this.typeflag = flag === 0 ? "0" : String.fromCharCode(flag);
    // Before POSIX, a directory was a file whose name ends in a slash.
    const type = typeOfFlag(this.typeflag);
    this.type = flag === 0 && this.pathBytes.at(-1) === 0x2f ? "directory" : type;
  }

  /** The dialect of the header block. */
  get dialect(): Dialect {
    return this.#dialect;
  }

  get header(): TarStreamHeader {
    const { mode, uid, gid, size, mtime, typeflag, linkname } = this;
    const old = { name: this.#text(FIELDS.name), mode, uid, gid, size, mtime, typeflag, linkname };
    if (this.#dialect === "v7") return old;
    return {
      ...old,
      magic: this.#dialect === "gnu" ? "ustar " : "ustar\0",
      version: this.#dialect === "gnu" ? " \0" : "00",
      uname: this.uname,
      gname: this.gname,
      devmajor: this.#text(FIELDS.devMajor),
      devminor: this.#text(FIELDS.devMinor),
      prefix: this.#dialect === "gnu" ? "" : this.#text(FIELDS.prefix),
    };
  }

  /** Replaces the gathered blocks by the final ones, in which the header block lies at `at`. */
  seal(blocks: Bytes, at: number): void {
    this.#blocks = blocks;
    this.#at = at;
  }

  /** Sets the source of the content. */
  attach(source: ContentSource): void {
    this.#source = source;
  }

  /** Returns the record `key` in force: the entry's own, or a global one; an empty value revokes a record. */
  record(key: string): Bytes | undefined {
    const value = this.pax.get(key) ?? this.globals.get(key);
    return value === undefined || value.length === 0 ? undefined : value;
  }

  get path(): string {
    return this.#path ??= decodeText(this.pathBytes);
  }

  get pathBytes(): Bytes {
    // Go's reader, which container runtimes use, lets a GNU long name win over a PAX path; so does this one.
    return this.#longName ?? this.record("GNU.sparse.name") ?? this.record("path") ?? this.#headerPath();
  }

  get linkname(): string {
    return decodeText(this.linknameBytes);
  }

  get linknameBytes(): Bytes {
    return this.#longLink ?? this.record("linkpath") ?? textField(this.#blocks, this.#at, FIELDS.linkname);
  }

  get uname(): string {
    return decodeText(this.record("uname") ?? this.#posixField(FIELDS.uname));
  }

  get gname(): string {
    return decodeText(this.record("gname") ?? this.#posixField(FIELDS.gname));
  }

  get atime(): number | undefined {
    return this.#time("atime", FIELDS.gnuAtime, FIELDS.starAtime);
  }

  get ctime(): number | undefined {
    return this.#time("ctime", FIELDS.gnuCtime, FIELDS.starCtime);
  }

  get format(): TarFormat {
    if (this.pax.size > 0) return "pax";
    return this.#dialect === "star" ? "ustar" : this.#dialect;
  }

  get rawHeader(): Bytes {
    return ownHeader(this.#blocks, this.#at, this);
  }

  read(): Bytes | undefined | Promise<Bytes | undefined> {
    // An empty content may still be read when the reader is at a later entry.
    return this.size === 0 ? undefined : this.#source?.readContent(this);
  }

  get readable(): ByteStream | undefined {
    if (!hasContent(this.type)) return undefined;
    return this.#readable ??= new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        const piece = await this.read();
        // A byte stream transfers its chunks, and the piece is a view of a chunk of the archive.
        if (piece !== undefined) return controller.enqueue(piece.slice());
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel: () => this.skip(),
    });
  }

  get stored(): TarChunks {
    this.#source?.useStored(this);
    return this;
  }

  skip(): void {
    this.#source?.skipContent(this);
  }

  async bytes({ limit = DEFAULT_BYTES_LIMIT }: TarBytesOptions = {}): Promise<Bytes> {
    const size = this.#source?.remaining(this) ?? 0;
    if (size > limit) {
      throw new LimitError(`tar entry ${quoteName(this.path)} has ${size} bytes, the limit is ${limit}`);
    }
    const whole = new Uint8Array(size);
    let filled = 0;
    for (;;) {
      const read = this.read();
      const piece = read instanceof Promise ? await read : read;
      if (piece === undefined) break;
      whole.set(piece, filled);
      filled += piece.length;
    }
    return whole;
  }

  /** A text field of the header block, without the records. */
  #text(field: { at: number; length: number }): string {
    return decodeText(textField(this.#blocks, this.#at, field));
  }

  #headerPath(): Bytes {
    const name = textField(this.#blocks, this.#at, FIELDS.name);
    const prefix = this.#headerPrefix();
    if (prefix.length === 0) return name;
    const path = new Uint8Array(prefix.length + 1 + name.length);
    path.set(prefix);
    path[prefix.length] = 0x2f;
    path.set(name, prefix.length + 1);
    return path;
  }

  #headerPrefix(): Bytes {
    if (this.#dialect === "ustar") return textField(this.#blocks, this.#at, FIELDS.prefix);
    if (this.#dialect === "star") return textField(this.#blocks, this.#at, FIELDS.starPrefix);
    if (this.#dialect === "v7" || this.typeflag === "S") return NO_BYTES;
    // Go before 1.8, and so old Docker, wrote a prefix into GNU headers, where the access and change times belong.
    const times = readNumber(this.#blocks, this.#at, FIELDS.gnuAtime) +
      readNumber(this.#blocks, this.#at, FIELDS.gnuCtime);
    if (!Number.isNaN(times)) return NO_BYTES;
    const prefix = textField(this.#blocks, this.#at, FIELDS.prefix);
    return isAscii(prefix) ? prefix : NO_BYTES;
  }

  #posixField(field: { at: number; length: number }): Bytes {
    return this.#dialect === "v7" ? NO_BYTES : textField(this.#blocks, this.#at, field);
  }

  #time(key: string, gnu: { at: number; length: number }, star: { at: number; length: number }): number | undefined {
    const record = this.record(key);
    if (record !== undefined) return parseSeconds(record);
    const field = this.#dialect === "gnu" ? gnu : this.#dialect === "star" ? star : undefined;
    if (field === undefined || this.#blocks[this.#at + field.at] === 0) return undefined;
    const seconds = readNumber(this.#blocks, this.#at, field);
    return Number.isFinite(seconds) ? seconds : undefined;
  }
}
