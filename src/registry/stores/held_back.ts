import { type Bytes, type ByteStream, pullStream } from "../../runtime/mod.ts";

/**
 * Passes on a stream whose chunks are observed. The last chunk is held back until `end` has resolved: a client that has all
 * the bytes of `Content-Length` ignores how the response ends. `end` is called only after the last byte, never for a
 * stream that was cancelled before.
 */
export function heldBack(
  source: ByteStream,
  observer: { chunk(bytes: Bytes): void | Promise<void>; end(): Promise<void> },
): ByteStream {
  const reader = source.getReader();
  let held: Bytes | undefined;
  let isStarted = false;
  let isCancelled = false;
  const next = async () => {
    const { value } = await reader.read();
    if (isCancelled) return undefined; // a pending read ends at the cancel as at the end of the source
    if (value) await observer.chunk(value);
    else await observer.end();
    return value;
  };
  return pullStream({
    async read() {
      try {
        if (!isStarted) held = await next();
        isStarted = true;
        const given = held;
        if (given) held = await next();
        return given;
      } catch (error) {
        reader.cancel(error).catch(() => {});
        throw error;
      }
    },
    cancel(reason) {
      isCancelled = true;
      return reader.cancel(reason);
    },
  });
}
