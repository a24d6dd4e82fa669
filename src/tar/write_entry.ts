/** The entries that can be written into an archive. */

import type { Bytes } from "../runtime/mod.ts";
import type { PaxRecords } from "./pax.ts";
import type { TarChunks, TarEntry, TarEntryType } from "./types.ts";

/** Content to write: in memory, as a stream, in pieces, or opened when it is written. */
export type TarContent =
  | Uint8Array
  | ReadableStream<Uint8Array>
  | TarChunks
  | (() => TarContentSource | Promise<TarContentSource>);

/** The result of an opener of {@linkcode TarContent}. */
export type TarContentSource = Uint8Array | ReadableStream<Uint8Array> | TarChunks;

/** PAX records to write. */
export type TarPaxInput = Iterable<readonly [key: string, value: string | Bytes]>;

/**
 * An entry to write.
 *
 * A name given as a string becomes UTF-8, with lone surrogates U+DC80 to U+DCFF as the bytes that they stand for: so a
 * name that was read is written as it was.
 */
export interface TarNewEntry {
  /** The name, with slashes, written as it is given. */
  path: string | Bytes;
  /**
   * The type of the entry.
   *
   * @default {"file"}
   */
  type?: TarEntryType;
  /** The typeflag, one character: needed for type `"unknown"` alone. */
  typeflag?: string;
  /**
   * The number of bytes of content; needed unless the content is in memory.
   *
   * @default {0} without content, else the length of the content
   */
  size?: number;
  /** The content of a file or an entry of unknown type. */
  content?: TarContent;
  /** The target of a hard or symbolic link. */
  linkname?: string | Bytes;
  /**
   * Permissions, set-id and sticky bits.
   *
   * @default {0o755} for a directory, `0o777` for a symbolic link, else `0o644`
   */
  mode?: number;
  /**
   * The user's id.
   *
   * @default {0}
   */
  uid?: number;
  /**
   * The group's id.
   *
   * @default {0}
   */
  gid?: number;
  /**
   * The user's name.
   *
   * @default {""}
   */
  uname?: string | Bytes;
  /**
   * The group's name.
   *
   * @default {""}
   */
  gname?: string | Bytes;
  /**
   * When the content changed, in seconds since 1970. A fraction is kept by format `"pax"` alone.
   *
   * @default {0} so that the same input gives the same archive
   */
  mtime?: number;
  /** When the file was last read, in seconds; formats `"pax"` and `"gnu"`. */
  atime?: number;
  /** When the inode changed, in seconds; formats `"pax"` and `"gnu"`. */
  ctime?: number;
  /**
   * A device's major number.
   *
   * @default {0}
   */
  devMajor?: number;
  /**
   * A device's minor number.
   *
   * @default {0}
   */
  devMinor?: number;
  /**
   * More PAX records, such as `SCHILY.xattr.user.name`. A field above has precedence over the record of its name;
   * `GNU.sparse.` records are left out, since content is written with its holes.
   */
  pax?: TarPaxInput;
  /** The global PAX records in force for the entry, as of {@linkcode TarRawEntry.globals}. */
  globals?: PaxRecords;
}

/** An entry to copy from one archive to another without a change; every {@linkcode TarEntry} is one. */
export interface TarRawEntry {
  /** The name, for messages. */
  path?: string;
  /** All header blocks of the entry. */
  rawHeader: Bytes;
  /** The number of bytes behind them. */
  storedSize: number;
  /** The bytes behind them. */
  stored: TarContent;
  /**
   * The global PAX records in force for the entry, without their numbers. The archive gets an entry of global records
   * where they differ from those of the entry before.
   */
  globals?: PaxRecords;
}

/** Global PAX records, in force for the entries after them. */
export interface TarGlobalRecords {
  /** The discriminator. */
  type: "global";
  /** The records; an empty value takes one back. */
  pax: TarPaxInput;
}

/** The entries that {@linkcode writeTar} takes. */
export type TarWriteEntry = TarNewEntry | TarRawEntry | TarGlobalRecords;

/**
 * Converts an entry that was read to one to write, with changes.
 *
 * Names keep their bytes, the global records in force stay in force, and the content is read when it is written: write it before you request the next entry.
 */
export function rewriteEntry(entry: TarEntry, changes: Partial<TarNewEntry> = {}): TarNewEntry {
  return {
    path: entry.pathBytes,
    type: entry.type,
    // The content is written whole, so a sparse file becomes a plain one.
    typeflag: entry.typeflag === "S" || entry.type === "directory" ? undefined : entry.typeflag,
    linkname: entry.linknameBytes,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    uname: entry.uname,
    gname: entry.gname,
    mtime: entry.mtime,
    atime: entry.atime,
    ctime: entry.ctime,
    devMajor: entry.devMajor,
    devMinor: entry.devMinor,
    pax: entry.pax,
    globals: entry.globals,
    ...(entry.size > 0 ? { size: entry.size, content: entry } : {}),
    ...changes,
  };
}
