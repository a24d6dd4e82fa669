/** The table of contents of an eStargz layer. */

import { encodeBase64 } from "@std/encoding/base64";
import { LimitError, TarError } from "../errors.ts";
import type { Bytes } from "../runtime/mod.ts";
import type { TarEntry, TarEntryType } from "../tar/mod.ts";

/** A line of the table: an entry of the archive, or a further chunk of a large file (docs/estargz.md, "TOCEntries"). */
export interface EstargzTocEntry {
  /** The name as the archive has it. */
  readonly name: string;
  /** The type. */
  readonly type: "dir" | "reg" | "symlink" | "hardlink" | "char" | "block" | "fifo" | "chunk";
  /** The number of bytes of a file. */
  readonly size?: number;
  /** When it changed, in UTC as RFC 3339 has it, in whole seconds; absent at the beginning of 1970. */
  readonly modtime?: string;
  /** The target of a link. */
  readonly linkName?: string;
  /** The mode as the archive has it. */
  readonly mode?: number;
  /** The user's id. */
  readonly uid?: number;
  /** The group's id. */
  readonly gid?: number;
  /** The user's name. */
  readonly userName?: string;
  /** The group's name. */
  readonly groupName?: string;
  /** A device's major number. */
  readonly devMajor?: number;
  /** A device's minor number. */
  readonly devMinor?: number;
  /** Extended attributes, their values in base64. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** Where in the file the chunk begins. */
  readonly chunkOffset?: number;
  /** Where in the layer the gzip member begins whose first bytes these are. */
  offset?: number;
  /** The number of the chunk's bytes; absent when it goes to the end of the file. */
  chunkSize?: number;
  /** The digest of the chunk's bytes. */
  chunkDigest?: string;
  /** The digest of the file's bytes. */
  digest?: string;
}

const TYPES: Partial<Record<TarEntryType, EstargzTocEntry["type"]>> = {
  file: "reg",
  link: "hardlink",
  symlink: "symlink",
  characterDevice: "char",
  blockDevice: "block",
  directory: "dir",
  fifo: "fifo",
};

/** The most bytes that global records may add to the table. */
const MAX_INHERITED = 64 * 1024 * 1024;
const XATTR = "SCHILY.xattr.";

/** Makes the line of an entry, without its content. @throws {TarError} If a table can't express the entry. */
export function tocEntryOf(entry: TarEntry): EstargzTocEntry {
  const type = TYPES[entry.type];
  if (type === undefined) throw unsuitable(entry, `is of the type ${JSON.stringify(entry.typeflag)}`);
  const link = type === "hardlink" || type === "symlink";
  if (!entry.path.isWellFormed()) throw unsuitable(entry, "has a name that is not UTF-8");
  if (link && !entry.linkname.isWellFormed()) throw unsuitable(entry, "links to a name that is not UTF-8");
  const xattrs = xattrsOf(entry);
  const modtime = modtimeOf(entry.mtime);
  return {
    name: entry.path,
    type,
    ...(type === "reg" ? { size: entry.size } : {}),
    ...(modtime === undefined ? {} : { modtime }),
    ...(link ? { linkName: entry.linkname } : {}),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    ...(entry.uname === "" ? {} : { userName: entry.uname.toWellFormed() }),
    ...(entry.gname === "" ? {} : { groupName: entry.gname.toWellFormed() }),
    ...(type === "char" || type === "block" ? { devMajor: entry.devMajor, devMinor: entry.devMinor } : {}),
    ...(Object.keys(xattrs).length > 0 ? { xattrs } : {}),
  };
}

/** The table while it is being made. */
export class EstargzToc {
  readonly #files = new Map<string, readonly EstargzTocEntry[]>();
  #inherited = 0;

  /**
   * Counts the attributes that the entry has from global records, since the table repeats them for each entry.
   *
   * @throws {LimitError} If they are too many.
   */
  inherit({ globals, offset }: TarEntry): void {
    for (const [key, value] of globals) if (key.startsWith(XATTR)) this.#inherited += key.length + value.length;
    if (this.#inherited <= MAX_INHERITED) return;
    throw new LimitError(
      `global extended attributes, repeated for each tar entry up to offset ${offset}, have ${this.#inherited} bytes ` +
        `in the table of an eStargz layer, the limit is ${MAX_INHERITED}`,
      { hint: "store the layer as plain gzip" },
    );
  }

  /** Adds an entry with its further chunks. One of the same name goes: what comes later takes its place on a disk too. */
  add(path: string, chunks: readonly EstargzTocEntry[]): void {
    this.#files.delete(path);
    this.#files.set(path, chunks);
  }

  /** The table as JSON, as the last entry of the archive has it. */
  bytes(): Bytes {
    return new TextEncoder().encode(JSON.stringify({ version: 1, entries: [...this.#files.values()].flat() }));
  }
}

function unsuitable({ path }: TarEntry, how: string): TarError {
  return new TarError(`tar entry ${JSON.stringify(path)} ${how}, which the table of an eStargz layer can't say`, {
    hint: "store the layer as plain gzip",
  });
}

function xattrsOf(entry: TarEntry): Record<string, string> {
  const attributes = new Map<string, string>();
  for (const records of [entry.globals, entry.pax]) {
    for (const [key, value] of records) {
      if (key.startsWith(XATTR)) attributes.set(key.slice(XATTR.length), encodeBase64(value));
    }
  }
  return Object.fromEntries(attributes);
}

/** A time in whole seconds; `undefined` for the beginning of 1970 and for years that RFC 3339 does not have. */
function modtimeOf(mtime: number): string | undefined {
  const seconds = Math.round(mtime);
  const date = new Date(seconds * 1000);
  const year = date.getUTCFullYear();
  return seconds === 0 || !(year >= 0 && year <= 9999) ? undefined : date.toISOString().replace(".000Z", "Z");
}
