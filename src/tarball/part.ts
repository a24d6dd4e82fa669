import { type ByteStream, pullStream } from "../runtime/mod.ts";

/** A range of a stream: what is in front of it is read and thrown away, what is behind it is not read. */
export function part(source: ByteStream, range: { offset: number; length?: number }): ByteStream {
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
      // What follows is of no interest, and neither is how the source takes it.
      reader.cancel().catch(() => {});
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
