import type { Bytes, ByteStream } from "../runtime/mod.ts";

/** A range of a stream: what is in front of it is read and thrown away, what is behind it is not read. */
export function part(source: ByteStream, range: { offset: number; length?: number }): ByteStream {
  let { offset: skip, length: left = Infinity } = range;
  if (skip === 0 && left === Infinity) return source;
  const reader = source.getReader();
  return new ReadableStream<Bytes>({
    async pull(controller) {
      while (left > 0) {
        const { value, done } = await reader.read();
        if (done) return controller.close();
        if (value.length <= skip) {
          skip -= value.length;
          continue;
        }
        const wanted = value.subarray(skip, skip + left);
        skip = 0;
        left -= wanted.length;
        controller.enqueue(wanted);
        if (left > 0) return;
      }
      controller.close();
      // What follows is of no interest, and neither is how the source takes it.
      reader.cancel().catch(() => {});
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
