import { type AbortOptions, readAll, streamOf } from "../io/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import type { PlannedFile } from "./planned_file.ts";

/** The most bytes that are held in memory ahead of their turn. */
const ROOM = 16 * 1024 * 1024;

/** The most files that are read at the same time ahead of their turn. */
const FILES = 4;

/**
 * Reads files in order, and small ones ahead of their turn: while a large layer streams, the small ones behind it come
 * in. A large one is not begun early, for its connection would idle until its turn, and it fills the line by itself.
 */
export class ReadAhead {
  readonly #files: readonly PlannedFile[];
  readonly #ahead = new Map<PlannedFile, Promise<Bytes>>();
  readonly #stop = new AbortController();
  #next = 0;
  #room = ROOM;

  /** Takes the files in the order in which they will be opened. */
  constructor(files: readonly PlannedFile[]) {
    this.#files = files;
  }

  /** Opens the next file. */
  async open(file: PlannedFile, options: AbortOptions = {}): Promise<ByteStream> {
    const read = this.#ahead.get(file);
    if (this.#files[this.#next] === file) this.#next++;
    this.#ahead.delete(file);
    this.#fill();
    if (read === undefined) return await file.open(options);
    const bytes = await read;
    this.#room += file.size;
    this.#fill();
    return streamOf(bytes);
  }

  /** Gives up what was begun. */
  stop(reason?: unknown): void {
    this.#stop.abort(reason);
  }

  #fill(): void {
    for (; this.#next < this.#files.length && this.#ahead.size < FILES; this.#next++) {
      const file = this.#files[this.#next];
      if (file.size > ROOM / FILES) continue;
      if (file.size > this.#room) return;
      this.#room -= file.size;
      const bytes = this.#read(file);
      bytes.catch(() => {}); // thrown when the file is opened
      this.#ahead.set(file, bytes);
    }
  }

  async #read(file: PlannedFile): Promise<Bytes> {
    const { signal } = this.#stop;
    return await readAll(await file.open({ signal }), { limit: file.size, what: file.path, signal });
  }
}
