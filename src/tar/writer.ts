/** Writes an archive as a stream. */

import { TarError } from "../errors.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { BatchedChunks } from "./batched_chunks.ts";
import { BLOCK, paddingAfter } from "./block.ts";
import { type OpenContent, openContent } from "./content.ts";
import { encodeEntryHeader, paxRecords, type TarWriteFormat } from "./encode_entry.ts";
import { GlobalsInForce } from "./globals_in_force.ts";
import type { PaxRecords } from "./pax.ts";
import { quoteName } from "./text.ts";
import type { TarContent, TarGlobalRecords, TarNewEntry, TarRawEntry, TarWriteEntry } from "./write_entry.ts";

/** Options of {@linkcode writeTar}. */
export interface TarWriteOptions {
  /**
   * How to write values that don't fit a ustar header: as PAX records, as GNU long names and base-256 numbers, or as an
   * error.
   *
   * @default {"pax"}
   */
  format?: TarWriteFormat;
  /**
   * The archive's length is a multiple of this many blocks of 512 bytes; tapes and `tar` by default use 20.
   *
   * @default {1}
   */
  blockingFactor?: number;
  /**
   * Ends the writing: the stream fails with the signal's reason, and open content is cancelled.
   *
   * @default {undefined}
   */
  signal?: AbortSignal;
}

/**
 * Writes a tar archive, ended by two zero blocks. Nothing is read before the stream is, small pieces come in batches of
 * 64 KB.
 *
 * The same entries give the same bytes on every runtime. Chunks may be views of the content that was given.
 *
 * The stream fails with a {@linkcode TarError} if an entry does not fit the format, or if content is shorter or longer
 * than its size, and with a `TypeError` for an invalid entry.
 */
export function writeTar(
  entries: Iterable<TarWriteEntry> | AsyncIterable<TarWriteEntry>,
  options: TarWriteOptions = {},
): ByteStream {
  const blockingFactor = options.blockingFactor ?? 1;
  if (!Number.isSafeInteger(blockingFactor) || blockingFactor < 1) {
    throw new RangeError(`The blocking factor ${blockingFactor} is no positive integer`);
  }
  const source = new ArchiveSource(entries, { format: options.format ?? "pax", blockingFactor }, options.signal);
  return new ReadableStream<Bytes>(source, { highWaterMark: 0 });
}

type Entries = Iterable<TarWriteEntry> | AsyncIterable<TarWriteEntry>;
type EntryIterator = Iterator<TarWriteEntry> | AsyncIterator<TarWriteEntry>;

/** Content on its way into the archive. */
interface OpenEntry {
  readonly entry: TarNewEntry | TarRawEntry;
  readonly content: OpenContent;
  readonly size: number;
  left: number;
}

/**
 * Encodes the blocks that {@linkcode writeTar} writes in front of the content of an entry, for an archive whose parts
 * are written in another order. The content is followed by zeros up to a multiple of 512 bytes, the last one by 1024
 * more.
 *
 * @param entry the entry; its content is not read, its size is 0 by default
 * @throws {TarError} If the entry does not fit the format.
 */
export function encodeTarHeader(entry: TarNewEntry, options: Pick<TarWriteOptions, "format"> = {}): Bytes {
  const { format = "pax" } = options;
  return encodeEntryHeader(entry, { size: entry.size ?? 0, format, globals: new GlobalsInForce() });
}

class ArchiveSource implements UnderlyingDefaultSource<Bytes> {
  readonly #entries: Entries;
  readonly #options: Required<Omit<TarWriteOptions, "signal">>;
  readonly #signal: AbortSignal | undefined;
  readonly #output = new BatchedChunks((chunk) => this.#controller?.enqueue(chunk));
  readonly #globals = new GlobalsInForce();
  #controller: ReadableStreamDefaultController<Bytes> | undefined;
  #iterator: EntryIterator | undefined;
  #open: OpenEntry | undefined;
  #ended = false;

  constructor(entries: Entries, options: Required<Omit<TarWriteOptions, "signal">>, signal: AbortSignal | undefined) {
    this.#entries = entries;
    this.#options = options;
    this.#signal = signal;
  }

  start(controller: ReadableStreamDefaultController<Bytes>): void {
    this.#controller = controller;
    if (this.#signal?.aborted) this.#abort();
    else this.#signal?.addEventListener("abort", this.#abort, { once: true });
  }

  async pull(controller: ReadableStreamDefaultController<Bytes>): Promise<void> {
    try {
      const emitted = this.#output.emitted;
      while (this.#output.emitted === emitted && !this.#ended) {
        // Content in memory is not awaited: small entries pass without a turn of the event loop.
        const more = this.#open === undefined ? this.#nextEntry() : this.#nextPiece(this.#open);
        if (more instanceof Promise ? await more : more) continue;
        if (!this.#ended) this.#finish(controller);
      }
    } catch (error) {
      // After an abort, the stream has failed already.
      if (this.#ended) return;
      await this.#abandon(error);
      throw error;
    }
  }

  async cancel(reason: unknown): Promise<void> {
    await this.#abandon(reason);
  }

  /** Writes the next entry, or starts to; returns whether there is one. */
  #nextEntry(): boolean | Promise<boolean> {
    this.#iterator ??= iteratorOf(this.#entries);
    const next = this.#iterator.next();
    if (!("then" in next)) return next.done ? false : this.#startEntry(next.value);
    return next.then(({ done, value }) => done || this.#ended ? false : this.#startEntry(value));
  }

  #startEntry(entry: TarWriteEntry): true | Promise<true> {
    if ("rawHeader" in entry) return this.#startRaw(entry);
    if (entry.type === "global") return this.#writeGlobals(entry);
    return this.#startNew(entry);
  }

  #startRaw(entry: TarRawEntry): true | Promise<true> {
    const { rawHeader, storedSize } = entry;
    if (rawHeader.length === 0 || rawHeader.length % BLOCK !== 0) {
      throw new TypeError(`The raw header of a tar entry has ${rawHeader.length} bytes, which are no whole blocks`);
    }
    this.#bring(entry.globals);
    this.#output.put(rawHeader);
    return storedSize === 0 ? true : this.#startContent(entry, entry.stored, storedSize);
  }

  #startNew(entry: TarNewEntry): true | Promise<true> {
    const content = entry.content ?? NO_CONTENT;
    const size = entry.size ?? (content instanceof Uint8Array ? content.length : undefined);
    if (size === undefined || !Number.isSafeInteger(size) || size < 0) {
      const wrong = size === undefined ? "content that is not in memory needs a size" : `${size} is no size`;
      throw new TypeError(`tar entry ${quoteName(entry.path)}: ${wrong}`);
    }
    const { format } = this.#options;
    if (format === "pax") this.#bring(entry.globals);
    this.#output.put(encodeEntryHeader(entry, { size, format, globals: this.#globals }));
    return this.#startContent(entry, content, size);
  }

  #startContent(entry: TarNewEntry | TarRawEntry, content: TarContent, size: number): true | Promise<true> {
    const start = (open: OpenContent): true | Promise<true> => {
      if (this.#ended) return open.cancel(this.#signal?.reason).then(() => true);
      this.#open = { entry, content: open, size, left: size };
      return true;
    };
    const open = openContent(content);
    return open instanceof Promise ? open.then(start) : start(open);
  }

  /** Passes on the next piece of content; always returns true, since there is more to do. */
  #nextPiece(open: OpenEntry): true | Promise<true> {
    const piece = open.content.read();
    if (!(piece instanceof Promise)) return this.#passPiece(open, piece);
    return piece.then((piece) => this.#ended ? true : this.#passPiece(open, piece));
  }

  #passPiece(open: OpenEntry, piece: Bytes | undefined): true {
    if (piece !== undefined) {
      open.left -= piece.length;
      if (open.left < 0) throw wrongSize(open, "longer");
      this.#output.put(piece);
      return true;
    }
    if (open.left > 0) throw wrongSize(open, "shorter");
    this.#open = undefined;
    this.#output.putZeros(paddingAfter(open.size));
    return true;
  }

  #bring(globals: PaxRecords | undefined): void {
    const blocks = this.#globals.bring(globals);
    if (blocks !== undefined) this.#output.put(blocks);
  }

  #writeGlobals(entry: TarGlobalRecords): true {
    if (this.#options.format !== "pax") {
      throw new TarError(`global PAX records do not fit format "${this.#options.format}"`, {
        hint: `use format "pax"`,
      });
    }
    this.#output.put(this.#globals.write(paxRecords(entry.pax)));
    return true;
  }

  #finish(controller: ReadableStreamDefaultController<Bytes>): void {
    this.#ended = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#output.putZeros(2 * BLOCK);
    const record = this.#options.blockingFactor * BLOCK;
    this.#output.putZeros((record - this.#output.written % record) % record);
    this.#output.flush();
    controller.close();
  }

  readonly #abort = (): void => {
    const reason = this.#signal?.reason;
    this.#controller?.error(reason);
    void this.#abandon(reason);
  };

  /** Releases the open content and the entries. */
  async #abandon(reason: unknown): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    // A failure to close a source must not hide the reason.
    await Promise.allSettled([this.#open?.content.cancel(reason), this.#iterator?.return?.()]);
  }
}

const NO_CONTENT: Bytes = new Uint8Array(0);

function iteratorOf(entries: Entries): EntryIterator {
  return Symbol.asyncIterator in entries ? entries[Symbol.asyncIterator]() : entries[Symbol.iterator]();
}

function wrongSize({ entry, size }: OpenEntry, how: "longer" | "shorter"): TarError {
  const name = entry.path === undefined ? "a raw tar entry" : `tar entry ${quoteName(entry.path)}`;
  return new TarError(`the content of ${name} is ${how} than its size of ${size} bytes`);
}
