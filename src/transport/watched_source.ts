import { type ByteStream, pullStream } from "../runtime/mod.ts";

/** A body on its way, which remembers its own failure: `fetch` wraps that and a cut connection alike. */
export class WatchedSource {
  /** What to send. */
  readonly stream: ByteStream;
  #failure: { error: unknown } | undefined;

  /** Takes the stream. */
  constructor(source: ByteStream) {
    const reader = source.getReader();
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

  /** Throws what reading the source threw. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
