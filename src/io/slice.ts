import { type ByteStream, pullStream } from "../runtime/mod.ts";

/** Returns a range of a stream: what is in front of it is read and dropped, what is behind it is not read. */
export function sliceStream(source: ByteStream, range: { offset: number; length?: number }): ByteStream {
  let { offset: skip, length: left = Infinity } = range;
  if (skip === 0 && left === Infinity) return source;
  const reader = source.getReader();
  return pullStream({
    async read() {
      while (left > 0) {
        const { value } = await reader.read();
        if (value === undefined) return undefined;
        const wanted = value.subarray(skip, skip + left);
        skip -= value.length - value.subarray(skip).length;
        left -= wanted.length;
        if (wanted.length > 0) return wanted;
      }
      // The rest is of no interest, and neither is how the source takes it.
      reader.cancel().catch(() => {});
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
