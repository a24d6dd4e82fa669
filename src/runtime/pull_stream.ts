import type { Bytes, ByteStream } from "./bytes.ts";

/** The source of a {@linkcode pullStream}. */
export interface PullSource {
  /** Called once, before the first read. */
  start?(): void | Promise<void>;
  /** Returns the next chunk, or `undefined` at the end. Called only on demand, and never concurrently. */
  read(): Bytes | undefined | Promise<Bytes | undefined>;
  /** Called when the reader cancels; a `read` may be pending. */
  cancel?(reason: unknown): void | Promise<void>;
}

/**
 * Creates a stream that reads from its source only on demand.
 *
 * A chunk that arrives after the stream was cancelled is dropped. Otherwise the controller would throw, and on Bun,
 * which cancels a request's body as soon as it has all bytes, that error would be an unhandled rejection.
 */
export function pullStream(source: PullSource): ByteStream {
  let cancelled = false;
  return new ReadableStream<Bytes>({
    start: () => source.start?.(),
    async pull(controller) {
      try {
        const chunk = await source.read();
        if (cancelled) return;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      } catch (error) {
        if (!cancelled) throw error;
      }
    },
    cancel(reason) {
      cancelled = true;
      return source.cancel?.(reason);
    },
  }, { highWaterMark: 0 });
}
