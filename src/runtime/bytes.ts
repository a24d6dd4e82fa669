/** A chunk of bytes over an `ArrayBuffer` (never a `SharedArrayBuffer`), as `fetch` and the streams take it. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A stream of chunks, read once. */
export type ByteStream = ReadableStream<Bytes>;

/**
 * Returns the same bytes as a plain `Uint8Array`: node's `Buffer` differs from it where it matters, in `slice` for
 * example.
 */
export function toPlainBytes(bytes: Bytes): Bytes {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
