/** The types of an entry that is read. */

import type { Bytes, ByteStream } from "../runtime/mod.ts";
import type { PaxRecords } from "./pax.ts";

/** The type of an entry; `"unknown"` is any other typeflag. */
export type TarEntryType =
  | "file"
  | "link"
  | "symlink"
  | "characterDevice"
  | "blockDevice"
  | "directory"
  | "fifo"
  | "unknown";

/** The format that an entry is written in. */
export type TarFormat = "v7" | "ustar" | "pax" | "gnu";

/**
 * Content in pieces, without a stream around it.
 *
 * A piece in memory is returned at once, any other as a promise.
 */
export interface TarChunks {
  /** Returns the next piece, `undefined` after the last one. */
  read(): Bytes | undefined | Promise<Bytes | undefined>;
}

/**
 * The header of an entry, with its PAX and GNU records applied.
 *
 * A text view turns back into the same bytes: a byte that is not UTF-8 is a lone surrogate U+DC80 to U+DCFF.
 */
export interface TarHeader {
  /** The name as in the archive: clean it with {@linkcode cleanEntryPath} before you use it as a path. */
  readonly path: string;
  /** The bytes of the name. */
  readonly pathBytes: Bytes;
  /** The target of a hard or symbolic link, empty for other types. */
  readonly linkname: string;
  /** The bytes of the link target. */
  readonly linknameBytes: Bytes;
  /** The type of the entry. */
  readonly type: TarEntryType;
  /** The typeflag as written, one character; the NUL of old archives is given as `"0"`. */
  readonly typeflag: string;
  /** The mode as written: permissions, set-id and sticky bits; these alone where it is negative or past octal digits. */
  readonly mode: number;
  /** The user's id. */
  readonly uid: number;
  /** The group's id. */
  readonly gid: number;
  /** The user's name, empty if there is none. */
  readonly uname: string;
  /** The group's name, empty if there is none. */
  readonly gname: string;
  /** When the content changed, in seconds since 1970, with a fraction if the archive has one. */
  readonly mtime: number;
  /** When the file was last read, in seconds, if the archive has it. */
  readonly atime: number | undefined;
  /** When the inode changed, in seconds, if the archive has it. */
  readonly ctime: number | undefined;
  /** The device's major number, 0 for other types. */
  readonly devMajor: number;
  /** The device's minor number, 0 for other types. */
  readonly devMinor: number;
  /** The number of bytes of content; of a sparse file, with its holes. Links, devices and directories have none. */
  readonly size: number;
  /** The number of bytes that the archive stores: less than `size` for a sparse file. */
  readonly storedSize: number;
  /** Whether the content has holes that the archive does not store. */
  readonly sparse: boolean;
  /** The entry's own PAX records, the ones applied above included. */
  readonly pax: PaxRecords;
  /** The global PAX records in force at the entry. */
  readonly globals: PaxRecords;
  /** The format of the header. */
  readonly format: TarFormat;
  /** The offset of the entry's first header block in the archive, in bytes. */
  readonly offset: number;
  /** The offset of the stored content in the archive, in bytes. */
  readonly contentOffset: number;
  /**
   * The header blocks with PAX and GNU records and the sparse map, byte for byte: the bytes of the archive up to the
   * stored content.
   *
   * What would not mean the same in another archive differs: the numbers of global records in force are among the
   * entry's own records, and an entry without content has no size. The other global records are in `globals` alone.
   */
  readonly rawHeader: Bytes;
}

/** The header of an entry in the shape of `@std/tar`; the last seven are absent in the format before POSIX. */
export interface TarStreamHeader {
  /** The name in the header block; {@linkcode TarHeader.path} is the whole one. */
  name: string;
  /** The mode. */
  mode: number;
  /** The user's id. */
  uid: number;
  /** The group's id. */
  gid: number;
  /** The number of bytes of content. */
  size: number;
  /** When the content changed, in seconds. */
  mtime: number;
  /** The typeflag. */
  typeflag: string;
  /** The target of a link. */
  linkname: string;
  /** The magic. */
  magic?: string;
  /** The version. */
  version?: string;
  /** The user's name. */
  uname?: string;
  /** The group's name. */
  gname?: string;
  /** The device's major number, octal. */
  devmajor?: string;
  /** The device's minor number, octal. */
  devminor?: string;
  /** The former part of the name. */
  prefix?: string;
}

/** Options of {@linkcode TarEntry.bytes}. */
export interface TarBytesOptions {
  /**
   * The most bytes to read into memory.
   *
   * @default {67108864}
   */
  limit?: number;
}

/**
 * An entry of an archive that is being read: `path`, `header` and `readable` as in `@std/tar`, and what a layer needs
 * beyond them.
 *
 * The header stays valid. The content, holes filled with zeros, can be read once, by one of the ways below, until the
 * next entry is requested. The pieces that `read` returns are views of the archive's chunks: copy one before you change
 * it or transfer its buffer.
 */
export interface TarEntry extends TarHeader, TarChunks {
  /** The header in the shape of `@std/tar`, with PAX and GNU records applied. */
  readonly header: TarStreamHeader;
  /** The content as a byte stream of copies; `undefined` for types without content. Cancelling it skips the rest. */
  readonly readable: ByteStream | undefined;
  /** The content as the archive stores it, without holes: the bytes that follow `rawHeader`. */
  readonly stored: TarChunks;
  /** Skips the rest of the content, as requesting the next entry does. */
  skip(): void;
  /**
   * Reads the rest of the content into memory.
   *
   * @throws {LimitError} If there are more than `limit` bytes.
   */
  bytes(options?: TarBytesOptions): Promise<Bytes>;
}
