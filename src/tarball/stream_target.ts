import { openBlob } from "../graph/internal.ts";
import type { BlobNode, PutOptions } from "../graph/mod.ts";
import { abortable, type AbortOptions, readAll, streamOf } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import type { TarWriteEntry } from "../tar/mod.ts";
import type { ArchiveTarget, PlannedFile } from "./archive_sink.ts";

/** The most bytes that are held in memory ahead of their turn. */
const ROOM = 16 * 1024 * 1024;

/** The largest file that is read ahead of its turn: a larger one fills the line by itself. */
const LARGEST = ROOM / 4;

/** What opens a file, and what is to happen when the reader has all of it. */
interface Delivery {
  open(): Promise<ByteStream>;
  over(): void;
}

/**
 * An archive as a stream: each file goes out when the reader comes to it. Small files are read ahead of their turn,
 * while a large one streams; a large one is not begun early, for its connection would idle.
 */
export class StreamTarget implements ArchiveTarget {
  readonly #files = Promise.withResolvers<readonly PlannedFile[]>();
  readonly #deliveries = new Map<string, PromiseWithResolvers<Delivery>>();
  #room = ROOM;

  begin(files: readonly PlannedFile[]): Promise<void> {
    this.#files.resolve(files);
    return Promise.resolve();
  }

  /** Ends when the reader has the content, or it is read ahead. */
  async write({ path, size }: PlannedFile, blob: BlobNode, options: PutOptions): Promise<void> {
    const { signal } = options;
    const open = () => openBlob(blob, options);
    const delivery = this.#delivery(path);
    if (size > LARGEST || size > this.#room) {
      const { promise, resolve } = Promise.withResolvers<void>();
      delivery.resolve({ open, over: resolve });
      return await abortable(promise, signal);
    }
    this.#room -= size;
    const bytes = await readAll(await open(), { limit: size, what: path, signal });
    delivery.resolve({ open: () => Promise.resolve(streamOf(bytes)), over: () => this.#room += size });
  }

  /** The entries of the archive, in order; each waits until its content is delivered. */
  async *entries({ signal }: AbortOptions): AsyncGenerator<TarWriteEntry, void> {
    for (const { path, size, content } of await abortable(this.#files.promise, signal)) {
      if (typeof content !== "string") {
        yield { path, size, content };
        continue;
      }
      const { open, over } = await abortable(this.#delivery(path).promise, signal);
      this.#deliveries.delete(path);
      yield { path, size, content: open };
      over();
    }
  }

  #delivery(path: string): PromiseWithResolvers<Delivery> {
    const delivery = this.#deliveries.get(path) ?? Promise.withResolvers<Delivery>();
    this.#deliveries.set(path, delivery);
    return delivery;
  }
}
