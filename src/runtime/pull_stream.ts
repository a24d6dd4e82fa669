import type { Bytes, ByteStream } from "./bytes.ts";

/** What {@linkcode pullStream} is made of. */
export interface PullSource {
  /** Called once, before the first read. */
  start?(): void | Promise<void>;
  /** Gives the next chunk, or `undefined` at the end. Called only when somebody reads, and never twice at a time. */
  read(): Bytes | undefined | Promise<Bytes | undefined>;
  /** Called when whoever reads loses interest; a `read` may be under way. */
  cancel?(reason: unknown): void | Promise<void>;
}

/**
 * Returns a stream that asks for a chunk when somebody reads, and for none before.
 *
 * What a `read` gives after the stream was cancelled is dropped. Without that care the controller throws, and on Bun,
 * which cancels a request's body as soon as it has all its bytes, that error is one that nobody waits for.
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
