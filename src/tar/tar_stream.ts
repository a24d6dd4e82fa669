/** Writing in the shape of `@std/tar`: entries in, bytes out. */

import type { TarNewEntry, TarWriteEntry } from "./write_entry.ts";
import { type TarWriteOptions, writeTar } from "./writer.ts";

/** The metadata of a {@linkcode TarStreamInput}. */
export interface TarStreamOptions {
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
   * When the content changed, in seconds since 1970.
   *
   * @default {0} where `@std/tar` takes the current time, so that the same input gives the same archive
   */
  mtime?: number;
  /**
   * The user's name.
   *
   * @default {""}
   */
  uname?: string;
  /**
   * The group's name.
   *
   * @default {""}
   */
  gname?: string;
  /**
   * The device's major number, octal.
   *
   * @default {""}
   */
  devmajor?: string;
  /**
   * The device's minor number, octal.
   *
   * @default {""}
   */
  devminor?: string;
}

/** A file for {@linkcode TarStream}. */
export interface TarStreamFile {
  /** Tells it from the others. */
  type: "file";
  /** The name. */
  path: string;
  /** The number of bytes of content. */
  size: number;
  /** The content. */
  readable: ReadableStream<Uint8Array>;
  /** The metadata. */
  options?: TarStreamOptions;
}

/** A directory for {@linkcode TarStream}. */
export interface TarStreamDir {
  /** Tells it from the others. */
  type: "directory";
  /** The name. */
  path: string;
  /** The metadata. */
  options?: TarStreamOptions;
}

/** A symbolic link for {@linkcode TarStream}. */
export interface TarStreamSymlink {
  /** Tells it from the others. */
  type: "symlink";
  /** The name. */
  path: string;
  /** The target. */
  linkname: string;
  /** The metadata. */
  options?: TarStreamOptions;
}

/** What {@linkcode TarStream} takes: the inputs of `@std/tar`, and whatever {@linkcode writeTar} takes. */
export type TarStreamInput = TarStreamFile | TarStreamDir | TarStreamSymlink | TarWriteEntry;

/**
 * A transform stream from entries to the bytes of an archive, as `@std/tar` has it, without its limits on names, ids
 * and sizes.
 */
export class TarStream implements TransformStream<TarStreamInput, Uint8Array<ArrayBuffer>> {
  /** The bytes of the archive. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Where the entries go. */
  readonly writable: WritableStream<TarStreamInput>;

  /** Makes the pair of streams. */
  constructor(options: TarWriteOptions = {}) {
    const inputs = new TransformStream<TarStreamInput, TarStreamInput>();
    this.writable = inputs.writable;
    this.readable = writeTar(entriesOf(inputs.readable), options);
  }
}

async function* entriesOf(inputs: ReadableStream<TarStreamInput>): AsyncGenerator<TarWriteEntry, void, void> {
  const reader = inputs.getReader();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield "options" in value || "readable" in value ? entryOf(value) : value;
    }
    finished = true;
  } finally {
    if (!finished) await reader.cancel();
  }
}

function entryOf(input: TarStreamFile | TarStreamDir | TarStreamSymlink): TarNewEntry {
  const { devmajor, devminor, ...options } = input.options ?? {};
  return {
    ...options,
    type: input.type,
    path: input.path,
    devMajor: octal(devmajor),
    devMinor: octal(devminor),
    linkname: input.type === "symlink" ? input.linkname : undefined,
    size: input.type === "file" ? input.size : undefined,
    content: input.type === "file" ? input.readable : undefined,
  };
}

function octal(digits: string | undefined): number | undefined {
  return digits === undefined || digits === "" ? undefined : parseInt(digits, 8);
}
