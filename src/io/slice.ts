import { type ByteStream, pullStream } from "../runtime/mod.ts";

/** Returns a range of a stream. The bytes before the range are read and dropped; those after it are not read. */
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
      // The rest is not needed, so an error on cancelling does not matter.
      reader.cancel().catch(() => {});
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
