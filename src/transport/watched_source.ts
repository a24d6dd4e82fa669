import type { Bytes, ByteStream } from "../runtime/mod.ts";

/** A body on its way, which remembers its own failure: `fetch` wraps that and a cut connection alike. */
export class WatchedSource {
  /** What to send. */
  readonly stream: ByteStream;
  #failure: { error: unknown } | undefined;

  /** Takes the stream. */
  constructor(source: ByteStream) {
    const reader = source.getReader();
    this.stream = new ReadableStream<Bytes>({
      pull: async (controller) => {
        try {
          const { value, done } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          this.#failure = { error };
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }

  /** Throws what reading the source threw. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
