import { chunks } from "../../io/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../../runtime/mod.ts";
import type { StoredBlob } from "../stores/store.ts";

/** How much of what was fetched last is kept in memory for those who read it. */
const WINDOW = 4 * 1024 * 1024;

/** Part of a blob that is wanted. */
interface Part {
  readonly offset: number;
  readonly length: number;
}

/**
 * A blob that is fetched once, kept, and read by any number of clients meanwhile.
 *
 * Whoever keeps it pulls it along. Clients read the last few megabytes from memory; one that comes later or reads more
 * slowly waits until the whole is kept, and goes on from there. So nobody waits for a slow client, and memory does not
 * grow. A single client is waited for, as long as it is single: it gets the bytes as they come.
 *
 * No byte is passed on before the next one is here, and the last ones not before their stream has closed well: a stream
 * that verifies lets no client have the whole of something wrong.
 */
export class SharedFetch {
  /** Settles with the blob when it is kept, and fails when it could not be fetched or kept. */
  readonly kept: Promise<StoredBlob>;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  readonly #window: Bytes[] = [];
  readonly #followers: Set<{ position: number }> = new Set();
  #waiting: (() => void)[] = [];
  /** Where the window starts and ends in the blob. */
  #start = 0;
  #end = 0;
  #held: Bytes | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #late = 0;
  #failure: { readonly error: unknown } | undefined;

  /**
   * Begins it.
   *
   * @param keep keeps a stream as the blob; where that fails, those who read go on without
   */
  constructor(source: ByteStream, keep: (stream: ByteStream) => Promise<StoredBlob>) {
    this.#reader = source.getReader();
    this.kept = keep(pullStream({ read: () => this.#advance() }));
    this.kept.catch(() => this.#passOn());
  }

  /** A part of the blob as it comes. */
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

  /** The bytes at a position that are in the window. */
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

  /** Fetches the next chunk; `undefined` at the end. One call at a time has its turn. */
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
      // The very first chunk is held back too, so there is nothing to give yet.
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

  /** Whether the only client there is would be left behind. */
  #isAhead(): boolean {
    if (this.#followers.size !== 1 || this.#late > 0) return false;
    const [{ position }] = this.#followers;
    return position >= this.#start && this.#end - position > WINDOW / 2;
  }

  /** Fetches the rest for those who read, when it can't be kept. */
  async #passOn(): Promise<void> {
    try {
      while (!this.#failure && this.#followers.size > 0 && await this.#advance());
    } catch {
      // Those who read are told.
    }
    this.#failure ??= { error: new Error("the blob could not be kept") };
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
