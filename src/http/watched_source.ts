import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";
import type { TimeLimit } from "./time_limit.ts";

/**
 * A body on its way. It remembers its own failure, since `fetch` wraps that and a cut connection alike, and keeps the
 * time that its source takes from the limit on the answer.
 */
export class WatchedSource {
  /** What to send. */
  readonly stream: ByteStream;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  #failure: { error: unknown } | undefined;

  /** Takes the stream, and the limit on the answer to it. */
  constructor(source: ByteStream, limit: TimeLimit) {
    const reader = this.#reader = source.getReader();
    this.stream = pullStream({
      read: async () => {
        limit.pause();
        try {
          return (await reader.read()).value;
        } catch (error) {
          this.#failure = { error };
          throw error;
        } finally {
          limit.begin();
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }

  /** Ends it, since the rest is not wanted; not every `fetch` does so when the answer comes early. */
  stop(reason?: unknown): void {
    this.#reader.cancel(reason).catch(() => {}); // it may have failed already
  }

  /** Throws what reading the source threw. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
