/** Reads an archive from a stream, entry by entry. */

import type { Bytes, ByteStream } from "../runtime/mod.ts";
import type { ArchiveEntry, ContentSource } from "./archive_entry.ts";
import { quoteName } from "./text.ts";
import type { TarEntry } from "./types.ts";
import { type TarStep, TarWalker } from "./walker.ts";

/** Options of {@linkcode readTar}. */
export interface TarReadOptions {
  /**
   * The most bytes of header blocks that one entry may have, PAX and GNU records and sparse maps included; global
   * records in force may have as many again.
   *
   * @default {1048576}
   */
  maxHeaderSize?: number;
  /**
   * Ends the reading: the source is cancelled, and pending reads fail with the signal's reason.
   *
   * @default {undefined}
   */
  signal?: AbortSignal;
}

/** Iterates over the entries of an archive, in its order. Leaving the loop early cancels the archive's stream. */
export interface TarReader extends AsyncIterableIterator<TarEntry, undefined, void> {
  /**
   * Returns the next entry, and passes over the unread content of the one before.
   *
   * After the last entry, reads the rest of the stream, so that a digest over it is complete.
   */
  next(): Promise<IteratorResult<TarEntry, undefined>>;
  /** Stops reading and cancels the archive's stream. */
  return(): Promise<IteratorResult<TarEntry, undefined>>;
  /** Returns the reader itself. */
  [Symbol.asyncIterator](): TarReader;
}

/**
 * Reads a tar archive: v7, ustar, PAX and GNU, sparse files included. An empty stream is an empty archive.
 *
 * The loop throws {@linkcode TarError} where the archive is corrupt or ends early, and {@linkcode LimitError} where an
 * entry has larger headers than `maxHeaderSize`. An archive may end without its two zero blocks after a whole entry.
 */
export function readTar(source: ByteStream, options: TarReadOptions = {}): TarReader {
  return new ArchiveReader(source, options);
}

/** The reader of both {@linkcode readTar} and `UntarStream`. */
export class ArchiveReader implements TarReader, ContentSource {
  readonly #walker: TarWalker;
  readonly #chunks: ReadableStreamDefaultReader<Bytes>;
  readonly #signal: AbortSignal | undefined;
  readonly #abort: () => void;
  #entry: ArchiveEntry | undefined;
  #filling: Promise<void> | undefined;
  #closed = false;
  #failure: { error: unknown } | undefined;
  #consumed: (() => void) | undefined;

  /** Makes a reader at the start of an archive. */
  constructor(source: ByteStream, options: TarReadOptions) {
    this.#walker = new TarWalker(options.maxHeaderSize);
    this.#chunks = source.getReader();
    this.#signal = options.signal;
    this.#abort = () => void this.#fail(this.#signal?.reason);
    if (this.#signal?.aborted) this.#abort();
    else this.#signal?.addEventListener("abort", this.#abort, { once: true });
  }

  [Symbol.asyncIterator](): TarReader {
    return this;
  }

  next(): Promise<IteratorResult<TarEntry, undefined>> {
    this.#entry = undefined;
    // An entry whose header is in the buffer needs no further promise.
    try {
      this.#walker.skip();
      const step = this.#step();
      return step === "more" ? this.#nextFromChunks() : Promise.resolve(this.#result(step));
    } catch (error) {
      return this.#rejectWith(error);
    }
  }

  return(): Promise<IteratorResult<TarEntry, undefined>> {
    this.#entry = undefined;
    return this.#close(undefined).then(() => ({ done: true, value: undefined }));
  }

  /** Resolves when the content of the current entry was read to its end or passed over. */
  consumed(): Promise<void> {
    if (this.#closed || this.#entry === undefined || this.#walker.remaining === 0) return Promise.resolve();
    return new Promise((resolve) => this.#consumed = resolve);
  }

  readContent(entry: ArchiveEntry): Bytes | undefined | Promise<Bytes | undefined> {
    this.#demandCurrent(entry);
    if (this.#walker.remaining === 0) {
      this.#consumed?.();
      return undefined;
    }
    try {
      return this.#step() === "content" ? this.#walker.content : this.#contentFromChunks(entry);
    } catch (error) {
      return this.#rejectWith(error);
    }
  }

  useStored(entry: ArchiveEntry): void {
    this.#demandCurrent(entry);
    this.#walker.useStored();
  }

  skipContent(entry: ArchiveEntry): void {
    if (entry !== this.#entry) return;
    this.#walker.skip();
    this.#consumed?.();
  }

  remaining(entry: ArchiveEntry): number {
    this.#demandCurrent(entry);
    return this.#walker.remaining;
  }

  #demandCurrent(entry: ArchiveEntry): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (entry === this.#entry) return;
    throw new TypeError(
      `The content of tar entry ${quoteName(entry.path)} was passed over: read it before you ask for the next entry`,
    );
  }

  #step(): TarStep {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#closed ? "end" : this.#walker.step();
  }

  #result(step: TarStep): IteratorResult<TarEntry, undefined> {
    if (step !== "entry") {
      this.#release();
      return { done: true, value: undefined };
    }
    const entry = this.#walker.entry;
    entry.attach(this);
    this.#entry = entry;
    return { done: false, value: entry };
  }

  async #nextFromChunks(): Promise<IteratorResult<TarEntry, undefined>> {
    for (;;) {
      await this.#fill();
      try {
        const step = this.#step();
        if (step !== "more") return this.#result(step);
      } catch (error) {
        return this.#rejectWith(error);
      }
    }
  }

  async #contentFromChunks(entry: ArchiveEntry): Promise<Bytes | undefined> {
    for (;;) {
      await this.#fill();
      this.#demandCurrent(entry);
      try {
        if (this.#step() === "content") return this.#walker.content;
      } catch (error) {
        return this.#rejectWith(error);
      }
    }
  }

  /** Feeds the walker with the next chunk; concurrent callers wait for the same one. */
  #fill(): Promise<void> {
    return this.#filling ??= this.#readChunk().finally(() => this.#filling = undefined);
  }

  async #readChunk(): Promise<void> {
    try {
      const { done, value } = await this.#chunks.read();
      if (this.#closed) return;
      if (done) this.#walker.end();
      else this.#walker.feed(value);
    } catch (error) {
      await this.#rejectWith(error);
    }
  }

  async #rejectWith(error: unknown): Promise<never> {
    await this.#fail(error);
    throw this.#failure?.error;
  }

  /** Ends the reading with `error`, unless it has ended in another way. */
  async #fail(error: unknown): Promise<void> {
    if (this.#closed) {
      this.#failure ??= { error };
      return;
    }
    this.#failure = { error };
    await this.#close(error);
  }

  async #close(reason: unknown): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#consumed?.();
    this.#signal?.removeEventListener("abort", this.#abort);
    // A failure to cancel the source must not hide the reason.
    await this.#chunks.cancel(reason).catch(() => {});
    this.#chunks.releaseLock();
  }

  #release(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#chunks.releaseLock();
  }
}
