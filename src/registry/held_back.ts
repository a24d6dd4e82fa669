import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";

/**
 * The same stream, looked at on the way. Its last chunk is held back until `end` has found it good: a client that has as
 * many bytes as it was promised does not look at how the answer ends.
 *
 * A reader that leaves ends the source too, and that is not the end of the bytes: `end` is not called then.
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
    if (isCancelled) return undefined;
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
