/** Reading in the shape of `@std/tar`: bytes in, entries out. */

import type { Bytes, ByteStream } from "../runtime/mod.ts";
import type { ArchiveEntry } from "./archive_entry.ts";
import { FIELDS } from "./block.ts";
import { readTar, type TarReader, type TarReadOptions } from "./reader.ts";
import type { TarEntry, TarHeader } from "./types.ts";

/** The header of an entry in the format before POSIX. */
export interface OldStyleFormat {
  /** The name in the header block; `path` of the entry is the whole one. */
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
}

/** The header of an entry in the ustar format and those made from it. */
export interface PosixUstarFormat extends OldStyleFormat {
  /** The magic. */
  magic: string;
  /** The version. */
  version: string;
  /** The user's name. */
  uname: string;
  /** The group's name. */
  gname: string;
  /** The device's major number, octal. */
  devmajor: string;
  /** The device's minor number, octal. */
  devminor: string;
  /** The former part of the name. */
  prefix: string;
}

/** An entry that {@linkcode UntarStream} gives. */
export interface TarStreamEntry {
  /** The header; what PAX and GNU records say is applied. */
  header: OldStyleFormat | PosixUstarFormat;
  /** The name. */
  path: string;
  /** The content, if the type has any: a byte stream. Read or cancel it, or the next entry doesn't come. */
  readable?: ByteStream;
  /** All that is known of the entry, PAX records included. */
  entry: TarHeader;
}

/**
 * A transform stream from the bytes of an archive to its entries, as `@std/tar` has it, for every format that
 * {@linkcode readTar} reads.
 *
 * As there, the content of an entry must be read or cancelled before the next entry comes. {@linkcode readTar} is
 * faster and asks for less care.
 *
 * @example
 * ```ts
 * import { UntarStream, writeTar } from "@gcrane/gcrane/tar";
 *
 * const archive = writeTar([{ path: "hello.txt", content: new TextEncoder().encode("hello") }]);
 * for await (const entry of archive.pipeThrough(new UntarStream())) {
 *   console.log(entry.path, await new Response(entry.readable).text());
 * }
 * ```
 */
export class UntarStream implements TransformStream<Uint8Array<ArrayBuffer>, TarStreamEntry> {
  /** The entries. */
  readonly readable: ReadableStream<TarStreamEntry>;
  /** Where the bytes of the archive go. */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;

  /** Makes the pair of streams. */
  constructor(options: TarReadOptions = {}) {
    const bytes = new TransformStream<Bytes, Bytes>();
    this.writable = bytes.writable;
    this.readable = entryStream(readTar(bytes.readable, options));
  }
}

function entryStream(reader: TarReader): ReadableStream<TarStreamEntry> {
  let consumed: Promise<void> = Promise.resolve();
  let cancelled = false;
  return new ReadableStream<TarStreamEntry>({
    async pull(controller) {
      // A pipe asks for the next entry while this one's content is still being read, so asking must not skip it.
      await consumed;
      const { done, value } = await reader.next();
      // A controller must not be touched after a cancel, which may come while this waits.
      if (cancelled) return;
      if (done) return controller.close();
      const { entry, settled } = streamEntry(value);
      consumed = settled;
      controller.enqueue(entry);
    },
    async cancel() {
      cancelled = true;
      await reader.return();
    },
  }, { highWaterMark: 0 });
}

/** The entry, and a promise of its content having been read or cancelled. */
function streamEntry(value: TarEntry): { entry: TarStreamEntry; settled: Promise<void> } {
  const entry: TarStreamEntry = { path: value.path, header: stdHeader(value as ArchiveEntry), entry: value };
  if (value.type !== "file" && value.type !== "unknown") return { entry, settled: Promise.resolve() };
  const settled = new Promise<void>((resolve) => {
    entry.readable = byteStream(value, resolve);
  });
  return { entry, settled };
}

function byteStream(entry: TarEntry, settle: () => void): ByteStream {
  let cancelled = false;
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      try {
        const piece = await entry.read();
        if (cancelled) return;
        if (piece !== undefined) {
          // A byte stream transfers what it is given, and the piece is a view of a chunk that is still needed.
          controller.enqueue(piece.slice());
          return;
        }
        controller.close();
        controller.byobRequest?.respond(0);
        settle();
      } catch (error) {
        settle();
        if (!cancelled) throw error;
      }
    },
    cancel() {
      cancelled = true;
      entry.skip();
      settle();
    },
  });
}

function stdHeader(entry: ArchiveEntry): OldStyleFormat | PosixUstarFormat {
  const header: OldStyleFormat = {
    name: entry.headerText(FIELDS.name),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.size,
    mtime: entry.mtime,
    typeflag: entry.typeflag,
    linkname: entry.linkname,
  };
  if (entry.dialect === "v7") return header;
  return {
    ...header,
    magic: entry.dialect === "gnu" ? "ustar " : "ustar\0",
    version: entry.dialect === "gnu" ? " \0" : "00",
    uname: entry.uname,
    gname: entry.gname,
    devmajor: entry.headerText(FIELDS.devMajor),
    devminor: entry.headerText(FIELDS.devMinor),
    prefix: entry.dialect === "gnu" ? "" : entry.headerText(FIELDS.prefix),
  };
}
