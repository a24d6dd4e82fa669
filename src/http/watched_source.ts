import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";
import type { TimeLimit } from "./time_limit.ts";

/**
 * A request body. It records its own failure, since `fetch` wraps both that and a cut connection, and pauses the limit
 * on the response while it waits for its source.
 */
export class WatchedSource {
  /** The stream to send. */
  readonly stream: ByteStream;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  #failure: { error: unknown } | undefined;

  /** Creates it from the stream and the limit on the response. */
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

  /** Cancels the source. Not every `fetch` does so when the response comes early. */
  stop(reason?: unknown): void {
    this.#reader.cancel(reason).catch(() => {}); // it may have failed already
  }

  /** Throws the error of the source, if it failed. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
