import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";
import type { TimeLimit } from "./time_limit.ts";

/**
 * A body that is being sent. It records its own failure, since `fetch` reports that and a cut connection alike, and
 * excludes the time of its source from the limit on the response.
 */
export class WatchedSource {
  /** The stream to send. */
  readonly stream: ByteStream;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  #failure: { error: unknown } | undefined;

  /** Creates an instance for a stream, with the limit on the response to it. */
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

  /** Cancels the body, since some `fetch` functions do not after an early response. */
  stop(reason?: unknown): void {
    this.#reader.cancel(reason).catch(() => {}); // the source may have failed already
  }

  /** Throws the error of the source, if it failed. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
