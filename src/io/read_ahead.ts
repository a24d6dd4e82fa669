import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";

/**
 * Returns the same stream, read ahead of its consumer up to a number of bytes, so that download and decompression
 * continue while the consumer is busy. Reading starts at once. A failure is delivered after the bytes in front of it.
 *
 * @param limit the most bytes to buffer
 */
export function readAhead(source: ByteStream, limit: number): ByteStream {
  const reader = source.getReader();
  const waiting: Bytes[] = [];
  let waitingBytes = 0;
  let end: { error?: unknown } | undefined;
  let cancelled = false;
  let wakeProducer = () => {};
  let wakeConsumer = () => {};

  const produce = async () => {
    try {
      while (!cancelled) {
        const { value, done } = await reader.read();
        if (done) break;
        waiting.push(value);
        waitingBytes += value.length;
        wakeConsumer();
        while (waitingBytes >= limit && !cancelled) await new Promise<void>((resolve) => wakeProducer = resolve);
      }
      end = {};
    } catch (error) {
      end = { error };
    }
    wakeConsumer();
  };
  const producing = produce();
  return pullStream({
    async read() {
      while (waiting.length === 0 && !end) await new Promise<void>((resolve) => wakeConsumer = resolve);
      const chunk = waiting.shift();
      if (chunk) {
        waitingBytes -= chunk.length;
        wakeProducer();
        return chunk;
      }
      if (end && "error" in end) throw end.error;
    },
    async cancel(reason) {
      cancelled = true;
      waiting.length = 0;
      wakeProducer();
      await reader.cancel(reason);
      await producing;
    },
  });
}
