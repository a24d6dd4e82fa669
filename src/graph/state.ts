import { spoolContent } from "../image/internal.ts";
import type { SpooledContent } from "../image/mod.ts";
import type { BlobOrigin, Content } from "../image/mod.ts";
import { abortable, type AbortOptions, Semaphore, SharedWork } from "../io/mod.ts";
import type { Hash } from "../spec/mod.ts";
import type { BlobNode, ContentSink } from "./sink.ts";

/** The default number of requests and files that are processed at the same time. */
export const DEFAULT_JOBS = 4;

/** The most blobs whose locations are remembered. */
const PLACES = 20_000;

/** Options of {@linkcode TransferState}. */
export interface TransferStateOptions {
  /**
   * The number of requests and files that are processed at the same time.
   *
   * @default 4
   */
  jobs?: number;
}

/**
 * The state that transfers share: the concurrency limit, the written content of each sink, pending work, and the
 * locations of blobs in each registry. Calls with the same state act as one transfer: no content is written twice.
 */
export class TransferState {
  /** The number of requests and files that are processed at the same time. */
  readonly jobs: number;
  readonly #slots: Semaphore;
  readonly #written = new SharedWork({ keep: true });
  readonly #uploads = new Map<string, Promise<void>>();
  readonly #places = new Map<string, BlobOrigin>();
  readonly #refusing = new Set<string>();
  readonly #numbers = new WeakMap<object, number>();
  readonly #keys = new WeakMap<Content, Hash | Content>();
  readonly #spooling = new SharedWork<SpooledContent>({ keep: true });
  readonly #spools = new Map<string, Spool>();
  #next = 0;
  #streams = 0;

  /** Creates an empty state. */
  constructor(options: TransferStateOptions = {}) {
    this.jobs = options.jobs ?? DEFAULT_JOBS;
    this.#slots = new Semaphore(this.jobs);
  }

  /** Runs one piece of work within the concurrency limit. The work must not wait for other work, as it holds a slot. */
  async run<T>(work: () => Promise<T>, options: AbortOptions): Promise<T> {
    return await this.#slots.run(work, options);
  }

  /** Runs work for a sink once for each key. An object is the key of content without a digest. */
  async once(
    sink: ContentSink,
    key: readonly (string | object)[],
    options: AbortOptions,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const parts = key.map((part) => typeof part === "string" ? part : `#${this.#numberOf(part)}`);
    await this.#written.run([sink.id, ...parts].join(" "), options, work);
  }

  /**
   * Returns the key of a content: its digest, or the object itself if it had no digest at first. Content gets its
   * digest when it has been read, which is before it has been written.
   */
  keyOf(content: Content): Hash | Content {
    let key = this.#keys.get(content);
    if (key === undefined) this.#keys.set(content, key = content.identity?.digest ?? content);
    return key;
  }

  /** Returns a number for a blob that has no digest yet. */
  nextStream(): number {
    return ++this.#streams;
  }

  /** Drops the record of what was written to a sink, which keeps memory flat in a run over many sinks. */
  forget(id: string): void {
    this.#written.forget(`${id} `);
  }

  /** Returns repositories of the sink's registry that hold a blob, and further ones that its source knows. */
  originsOf(sink: ContentSink, digest: Hash, content: Content): readonly BlobOrigin[] {
    const place = this.#places.get(placeKey(sink, digest));
    return place ? [place, ...content.origins] : content.origins;
  }

  /**
   * Runs the upload of a blob to a registry once no other upload of it to that registry is pending, so that the second
   * repository can mount the blob from the first. The result of the other upload does not matter. A registry that has
   * refused a mount is not waited for.
   */
  async oneInPool<T>(
    sink: ContentSink,
    digest: Hash,
    options: AbortOptions,
    upload: () => Promise<T>,
  ): Promise<T> {
    const pool = sink.origin?.registry;
    if (pool === undefined) return await upload();
    const key = placeKey(sink, digest);
    const mayMount = () => this.#places.has(key) || this.#refusing.has(pool);
    for (let other = this.#uploads.get(key); other && !mayMount(); other = this.#uploads.get(key)) {
      await abortable(other, options.signal);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!this.#uploads.has(key)) this.#uploads.set(key, promise);
    try {
      return await upload();
    } finally {
      if (this.#uploads.get(key) === promise) this.#uploads.delete(key);
      resolve();
    }
  }

  /** Records that a sink holds a blob, and whether it was written, mounted or found. */
  note(sink: ContentSink, digest: Hash, origins: BlobNode["origins"], outcome: "done" | "mounted" | "skipped"): void {
    if (sink.origin === undefined) return;
    const key = placeKey(sink, digest);
    const offered = this.#places.get(key);
    if (outcome === "done" && offered && origins.includes(offered)) this.#refusing.add(sink.origin.registry);
    this.#places.delete(key);
    this.#places.set(key, sink.origin);
    if (this.#places.size > PLACES) this.#places.delete(this.#places.keys().next().value!);
  }

  /** Keeps content in a temporary file so that its digest is known. Concurrent callers share one file. */
  async spool(content: Content, options: AbortOptions): Promise<SpooledContent> {
    const key = `${this.#numberOf(content)} `;
    const spool: Spool = this.#spools.get(key) ?? { users: 0 };
    this.#spools.set(key, spool);
    spool.users++;
    const leave = async () => {
      if (--spool.users > 0) return;
      this.#spools.delete(key);
      this.#spooling.forget(key);
      // The file may have been completed just as the last caller aborted.
      await spool.work?.then(({ dispose }) => dispose(), () => {});
    };
    try {
      const work = (signal: AbortSignal) => spool.work = spoolContent(content, { signal });
      const { content: spooled } = await this.#spooling.run(key, options, work);
      return { content: spooled, dispose: leave };
    } catch (error) {
      await leave();
      throw error;
    }
  }

  #numberOf(object: object): number {
    let number = this.#numbers.get(object);
    if (number === undefined) this.#numbers.set(object, number = this.#next++);
    return number;
  }
}

/** A temporary file and the number of its users. */
interface Spool {
  users: number;
  work?: Promise<SpooledContent>;
}

function placeKey({ origin }: ContentSink, digest: Hash): string {
  return `${origin?.registry} ${digest}`;
}
