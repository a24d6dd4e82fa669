/** The codec as transform streams, in the shape of `@std/tar`. */

import type { Bytes } from "../runtime/mod.ts";
import { ArchiveReader, type TarReadOptions } from "./reader.ts";
import type { TarEntry } from "./types.ts";
import type { TarNewEntry, TarWriteEntry } from "./write_entry.ts";
import { type TarWriteOptions, writeTar } from "./writer.ts";

/**
 * A transform stream from the bytes of an archive to its entries, for every format that {@linkcode readTar} reads.
 *
 * As in `@std/tar`, the next entry comes after the content of the one before was read or cancelled.
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
export class UntarStream implements TransformStream<Uint8Array<ArrayBuffer>, TarEntry> {
  /** The entries. */
  readonly readable: ReadableStream<TarEntry>;
  /** Takes the bytes of the archive. */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;

  /** Makes the pair of streams. */
  constructor(options: TarReadOptions = {}) {
    const bytes = new TransformStream<Bytes, Bytes>();
    const reader = new ArchiveReader(bytes.readable, options);
    let cancelled = false;
    this.writable = bytes.writable;
    this.readable = new ReadableStream<TarEntry>({
      async pull(controller) {
        // A pipe requests the next entry while the content of this one is being read.
        await reader.consumed();
        const { done, value } = await reader.next();
        if (cancelled) return;
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        cancelled = true;
        await reader.return();
      },
    }, { highWaterMark: 0 });
  }
}

/** An entry to write in the shape of `@std/tar`. */
export interface TarStreamInput {
  /** The type of the entry. */
  type: "file" | "directory" | "symlink";
  /** The name. */
  path: string;
  /** The number of bytes of a file. */
  size?: number;
  /** The content of a file. */
  readable?: ReadableStream<Uint8Array>;
  /** The target of a symbolic link. */
  linkname?: string;
  /** The metadata. `mtime` is 0 by default, where `@std/tar` takes the current time: equal input gives equal bytes. */
  options?: Pick<TarNewEntry, "mode" | "uid" | "gid" | "mtime" | "uname" | "gname"> & {
    /** The device's major number, octal. */
    devmajor?: string;
    /** The device's minor number, octal. */
    devminor?: string;
  };
}

/**
 * A transform stream from entries to the bytes of an archive: the inputs of `@std/tar`, without its limits on names,
 * ids and sizes, and all that {@linkcode writeTar} takes.
 */
export class TarStream implements TransformStream<TarStreamInput | TarWriteEntry, Uint8Array<ArrayBuffer>> {
  /** The bytes of the archive. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Takes the entries. */
  readonly writable: WritableStream<TarStreamInput | TarWriteEntry>;

  /** Makes the pair of streams. */
  constructor(options: TarWriteOptions = {}) {
    const inputs = new TransformStream<TarStreamInput | TarWriteEntry, TarStreamInput | TarWriteEntry>();
    this.writable = inputs.writable;
    this.readable = writeTar(entriesOf(inputs.readable), options);
  }
}

async function* entriesOf(
  inputs: ReadableStream<TarStreamInput | TarWriteEntry>,
): AsyncGenerator<TarWriteEntry, void, void> {
  const reader = inputs.getReader();
  let done = false;
  try {
    for (;;) {
      const { value } = await reader.read();
      done = value === undefined;
      if (value === undefined) return;
      yield !("rawHeader" in value) && ("options" in value || "readable" in value) ? entryOf(value) : value;
      // A sparse file of one hole has content that is not stored, which an UntarStream waits for.
      if ("skip" in value && typeof value.skip === "function") value.skip();
    }
  } finally {
    if (!done) await reader.cancel();
  }
}

function entryOf({ type, path, size, readable, linkname, options }: TarStreamInput): TarNewEntry {
  const { devmajor, devminor, ...metadata } = options ?? {};
  return {
    ...metadata,
    type,
    path,
    linkname,
    size,
    content: readable,
    devMajor: octal(devmajor),
    devMinor: octal(devminor),
  };
}

function octal(digits: string | undefined): number | undefined {
  return digits === undefined || digits === "" ? undefined : parseInt(digits, 8);
}
