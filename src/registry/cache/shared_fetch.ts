import { chunks } from "../../io/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../../runtime/mod.ts";
import type { StoredBlob } from "../stores/store.ts";

/** The number of the last bytes that are kept in memory for the clients. */
const WINDOW = 4 * 1024 * 1024;

/** A part of a blob. */
interface Part {
  readonly offset: number;
  readonly length: number;
}

/**
 * A blob that is fetched once, stored, and read by any number of clients meanwhile.
 *
 * The store drives the fetch. Clients read the last few megabytes from memory. A client that comes later or reads more
 * slowly waits until the whole blob is stored, and goes on from there, so that no client waits for a slow one, and memory
 * does not grow. The fetch waits for a single client as long as it is the only one, which gets the bytes as they come.
 *
 * A chunk is passed on only when the next one has come, and the last one only when its stream has closed without an
 * error: a stream that verifies its bytes never gives a client the whole of a wrong blob.
 */
export class SharedFetch {
  /** Resolves to the stored blob; rejects if it could not be fetched or stored. */
  readonly kept: Promise<StoredBlob>;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  readonly #window: Bytes[] = [];
  readonly #followers: Set<{ position: number }> = new Set();
  #waiting: (() => void)[] = [];
  /** The positions in the blob where the window starts and ends. */
  #start = 0;
  #end = 0;
  #held: Bytes | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #late = 0;
  #failure: { readonly error: unknown } | undefined;

  /**
   * Starts the fetch.
   *
   * @param keep stores a stream as the blob; if that fails, the clients still get their bytes
   */
  constructor(source: ByteStream, keep: (stream: ByteStream) => Promise<StoredBlob>) {
    this.#reader = source.getReader();
    this.kept = keep(pullStream({ read: () => this.#advance() }));
    this.kept.catch(() => this.#passOn());
  }

  /** Streams a part of the blob as it comes. */
  follow({ offset, length }: Part): ByteStream {
    const end = offset + length;
    const me = { position: offset };
    let stored: AsyncGenerator<Bytes, void, undefined> | undefined;
    const leave = () => {
      this.#followers.delete(me);
      this.#wake();
    };
    this.#followers.add(me);
    this.#wake();
    return pullStream({
      read: async () => {
        for (;;) {
          if (me.position >= end) {
            leave();
            return undefined;
          }
          const chunk = stored ? (await stored.next()).value ?? undefined : this.#chunkAt(me.position, end);
          if (chunk) {
            me.position += chunk.length;
            this.#wake();
            return chunk;
          }
          if (me.position < this.#start) stored ??= await this.#fromStore(me.position, end);
          else if (this.#failure) throw this.#failure.error;
          else await this.#change();
        }
      },
      cancel: async () => {
        leave();
        await stored?.return();
      },
    });
  }

  /** Returns the bytes at a position, if they are in the window. */
  #chunkAt(position: number, end: number): Bytes | undefined {
    if (position < this.#start || position >= this.#end) return undefined;
    let start = this.#start;
    for (const chunk of this.#window) {
      if (position < start + chunk.length) return chunk.subarray(position - start, end - start);
      start += chunk.length;
    }
  }

  async #fromStore(position: number, end: number): Promise<AsyncGenerator<Bytes, void, undefined>> {
    this.#late++;
    this.#wake();
    try {
      const blob = await this.kept;
      return chunks(await blob.read({ offset: position, length: end - position }));
    } finally {
      this.#late--;
    }
  }

  /** Fetches the next chunk; `undefined` at the end. Calls run one after the other. */
  #advance(): Promise<Bytes | undefined> {
    const turn = this.#turn.then(() => this.#fetchChunk());
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #fetchChunk(): Promise<Bytes | undefined> {
    while (this.#isAhead()) await this.#change();
    try {
      const { value, done } = await this.#reader.read();
      const chunk = this.#held;
      this.#held = done ? undefined : value;
      if (chunk) this.#publish(chunk);
      // The first chunk is held back too, so there is nothing to give yet.
      if (!chunk && !done) return await this.#fetchChunk();
      return chunk;
    } catch (error) {
      this.#failure = { error };
      this.#wake();
      throw error;
    }
  }

  #publish(chunk: Bytes): void {
    this.#window.push(chunk);
    this.#end += chunk.length;
    while (this.#end - this.#start > WINDOW && this.#window.length > 1) this.#start += this.#window.shift()!.length;
    this.#wake();
  }

  /** Returns whether the only client would be left behind. */
  #isAhead(): boolean {
    if (this.#followers.size !== 1 || this.#late > 0) return false;
    const [{ position }] = this.#followers;
    return position >= this.#start && this.#end - position > WINDOW / 2;
  }

  /** Fetches the rest for the clients when the blob can't be stored. */
  async #passOn(): Promise<void> {
    try {
      while (!this.#failure && this.#followers.size > 0 && await this.#advance());
    } catch {
      // The failure is noted for the clients.
    }
    this.#failure ??= { error: new Error("the blob could not be stored") };
    this.#wake();
    await this.#reader.cancel().catch(() => {});
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
