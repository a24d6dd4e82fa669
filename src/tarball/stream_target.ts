import { abortable, type AbortOptions, readAll, streamOf } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import type { TarWriteEntry } from "../tar/mod.ts";
import type { ArchiveTarget, PlannedFile } from "./archive_sink.ts";

/** The most bytes that are held in memory ahead of their turn. */
const ROOM = 16 * 1024 * 1024;

/** The largest file that is read ahead of its turn: a larger one fills the line by itself. */
const LARGEST = ROOM / 4;

/** What a file is written from, and what waits for it. */
interface Delivery {
  readonly open: () => Promise<ByteStream>;
  readonly over: PromiseWithResolvers<void>;
}

/**
 * An archive as a stream: each file goes out when the reader comes to it. Small files are read ahead of their turn, while
 * a large one streams; a large one is not begun early, for its connection would idle.
 */
export class StreamTarget implements ArchiveTarget {
  readonly #files = Promise.withResolvers<readonly PlannedFile[]>();
  readonly #deliveries = new Map<string, PromiseWithResolvers<Delivery>>();
  #room = ROOM;

  constructor() {
    this.#files.promise.catch(() => {});
  }

  begin(files: readonly PlannedFile[]): Promise<void> {
    this.#files.resolve(files);
    return Promise.resolve();
  }

  /** Ends the archive: the reader gets the error. */
  fail(error: unknown): void {
    this.#files.reject(error);
    for (const delivery of this.#deliveries.values()) delivery.reject(error);
  }

  async write(
    file: PlannedFile,
    open: (options: AbortOptions) => Promise<ByteStream>,
    { signal }: AbortOptions,
  ): Promise<void> {
    const over = Promise.withResolvers<void>();
    const delivery = this.#delivery(file);
    if (file.size > LARGEST || file.size > this.#room) {
      delivery.resolve({ open: () => open({ signal }), over });
      return await abortable(over.promise, signal);
    }
    this.#room -= file.size;
    const bytes = await readAll(await open({ signal }), { limit: file.size, what: file.path, signal });
    delivery.resolve({ open: () => Promise.resolve(streamOf(bytes)), over });
    over.promise.then(() => this.#room += file.size, () => {});
  }

  /** The entries of the archive, in order; each waits until its content is delivered. */
  async *entries(): AsyncGenerator<TarWriteEntry, void> {
    for (const file of await this.#files.promise) {
      const { path, size, content } = file;
      if (typeof content !== "string") {
        yield { path, size, content: () => Promise.resolve(streamOf(content)) };
        continue;
      }
      const { open, over } = await this.#delivery(file).promise;
      this.#deliveries.delete(path);
      yield { path, size, content: open };
      over.resolve();
    }
  }

  #delivery({ path }: PlannedFile): PromiseWithResolvers<Delivery> {
    let delivery = this.#deliveries.get(path);
    if (!delivery) {
      delivery = Promise.withResolvers();
      delivery.promise.catch(() => {});
      this.#deliveries.set(path, delivery);
    }
    return delivery;
  }
}
