/** The synchronous core of the readers: chunks in, entries and pieces of content out. */

import { TarError } from "../errors.ts";
import type { Bytes } from "../runtime/mod.ts";
import type { ArchiveEntry } from "./archive_entry.ts";
import { paddingAfter } from "./block.ts";
import { ChunkCursor } from "./chunk_cursor.ts";
import { HeaderReader } from "./header_reader.ts";
import type { SparseMap } from "./sparse.ts";
import { quoteName } from "./text.ts";

/**
 * What {@linkcode TarWalker.step} came to: an entry, a piece of content, the end of what was fed, or the end of the
 * archive.
 */
export type TarStep = "entry" | "content" | "more" | "end";

const DEFAULT_MAX_HEADER_SIZE = 1024 * 1024;
const HOLE_CHUNK = 64 * 1024;

/**
 * Walks an archive synchronously: the caller feeds chunks and takes steps.
 *
 * Content comes as views of the chunks. A file that is skipped costs neither a copy nor an allocation. After the two
 * zero blocks that end an archive, the rest is passed over.
 */
export class TarWalker {
  readonly #cursor = new ChunkCursor();
  readonly #headers: HeaderReader;
  #part: "headers" | "content" | "padding" | "trailer" = "headers";
  #failure: unknown;
  #entry: ArchiveEntry | undefined;
  #content: Bytes = new Uint8Array(0);
  #skipping = false;
  /** Stored bytes of the entry that have not been passed, and the padding behind them. */
  #left = 0;
  #padding = 0;
  /** The map of a sparse entry, the region in work, and how many bytes were given, holes included. */
  #map: SparseMap | undefined;
  #region = 0;
  #expanded = 0;

  /** Makes a walker at the start of an archive. */
  constructor(maxHeaderSize: number = DEFAULT_MAX_HEADER_SIZE) {
    this.#headers = new HeaderReader(maxHeaderSize);
  }

  /** The entry of the last step that was `"entry"`. */
  get entry(): ArchiveEntry {
    if (this.#entry === undefined) throw new TypeError("The walker has come to no entry yet");
    return this.#entry;
  }

  /** The piece of the last step that was `"content"`: a view of a chunk that was fed, or zeros for a hole. */
  get content(): Bytes {
    return this.#content;
  }

  /** How many bytes of the current entry's content are still to come; 0 if they are skipped. */
  get remaining(): number {
    if (this.#skipping || this.#entry === undefined) return 0;
    return this.#map === undefined ? this.#left : this.#entry.size - this.#expanded;
  }

  /** How many bytes of the archive were passed. */
  get offset(): number {
    return this.#cursor.offset;
  }

  /**
   * Feeds the next chunk, which must not change until the next one is fed.
   *
   * @throws {TypeError} If the last step was not `"more"`, unless the walk has not begun.
   */
  feed(chunk: Uint8Array<ArrayBuffer>): void {
    this.#cursor.feed(chunk);
  }

  /** Ends the input. */
  end(): void {
    this.#cursor.ended = true;
  }

  /** Passes over what is left of the current entry's content. */
  skip(): void {
    this.#skipping = true;
  }

  /**
   * Returns the current entry's content as the archive stores it, without the holes of a sparse file.
   *
   * @throws {TypeError} If some of the content of a sparse file was given already.
   */
  useStored(): void {
    if (this.#expanded > 0) throw new TypeError("The content of a sparse tar entry was read already, with its holes");
    this.#map = undefined;
  }

  /**
   * Goes on to the next entry, piece of content or end.
   *
   * @throws {TarError} If the archive is corrupt or ends early; every later step throws the same again.
   * @throws {LimitError} If the headers of an entry are larger than `maxHeaderSize`.
   */
  step(): TarStep {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#cursor.demandBuffer();
      for (;;) {
        const step = this.#advance();
        if (step !== undefined) return step;
      }
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** Advances by one part; `undefined` means that there is no step to return yet. */
  #advance(): TarStep | undefined {
    switch (this.#part) {
      case "headers":
        return this.#passHeaders();
      case "content":
        return this.#map === undefined || this.#skipping ? this.#passStored() : this.#passSparse(this.#map);
      case "padding":
        return this.#passPadding();
      case "trailer":
        this.#cursor.pass(Infinity);
        return this.#cursor.ended ? "end" : "more";
    }
  }

  #passHeaders(): TarStep | undefined {
    const entry = this.#headers.read(this.#cursor);
    if (entry === "more") return "more";
    if (entry === "end") {
      this.#part = "trailer";
      return undefined;
    }
    this.#entry = entry;
    entry.contentOffset = this.offset;
    this.#part = "content";
    this.#skipping = entry.passedSize > 0;
    this.#left = entry.storedSize + entry.passedSize;
    this.#padding = paddingAfter(this.#left);
    this.#map = this.#headers.map;
    this.#region = 0;
    this.#expanded = 0;
    return "entry";
  }

  #passStored(): TarStep | undefined {
    if (this.#left === 0) {
      this.#part = "padding";
      return undefined;
    }
    if (this.#take(this.#left) === 0) return this.#starve();
    return this.#skipping ? undefined : "content";
  }

  #passSparse(map: SparseMap): TarStep | undefined {
    const size = this.entry.size;
    while (this.#region < map.length && this.#expanded >= map[this.#region] + map[this.#region + 1]) this.#region += 2;
    if (this.#expanded === size) {
      this.#part = "padding";
      return undefined;
    }
    const regionStart = this.#region < map.length ? map[this.#region] : size;
    if (this.#expanded < regionStart) {
      // Fresh zeros each time: the consumer may change or transfer a piece.
      this.#content = new Uint8Array(Math.min(regionStart - this.#expanded, HOLE_CHUNK));
      this.#expanded += this.#content.length;
      return "content";
    }
    const passed = this.#take(regionStart + map[this.#region + 1] - this.#expanded);
    if (passed === 0) return this.#starve();
    this.#expanded += passed;
    return "content";
  }

  /** Passes up to `wanted` stored bytes, as a piece of content unless they are skipped. */
  #take(wanted: number): number {
    const from = this.#cursor.at;
    const passed = this.#cursor.pass(wanted);
    this.#left -= passed;
    if (!this.#skipping && passed > 0) this.#content = this.#cursor.chunk.subarray(from, from + passed);
    return passed;
  }

  #passPadding(): TarStep | undefined {
    this.#padding -= this.#cursor.pass(this.#padding);
    if (this.#padding === 0) {
      this.#part = "headers";
      return undefined;
    }
    if (!this.#cursor.ended) return "more";
    // The content is complete; Go's reader accepts missing padding too.
    this.#part = "trailer";
    return undefined;
  }

  #starve(): TarStep {
    if (!this.#cursor.ended) return "more";
    const { path, storedSize, passedSize } = this.entry;
    throw new TarError(
      `tar archive ends at offset ${this.offset}, inside ${quoteName(path)}: ` +
        `${this.#left} of its ${storedSize + passedSize} bytes are missing`,
      { hint: "the archive was cut off" },
    );
  }
}
