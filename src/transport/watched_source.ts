import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";

/** A body on its way, which remembers its own failure: `fetch` wraps that and a cut connection alike. */
export class WatchedSource {
  /** What to send. */
  readonly stream: ByteStream;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  #failure: { error: unknown } | undefined;

  /** Takes the stream. */
  constructor(source: ByteStream) {
    const reader = this.#reader = source.getReader();
    this.stream = pullStream({
      read: async () => {
        try {
          return (await reader.read()).value;
        } catch (error) {
          this.#failure = { error };
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }

  /** Ends it, since nobody wants the rest; not every `fetch` does so when the answer comes early. */
  stop(): void {
    this.#reader.cancel().catch(() => {}); // it may have failed already
  }

  /** Throws what reading the source threw. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
