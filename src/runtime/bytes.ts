/** A chunk of bytes over an `ArrayBuffer` (never a `SharedArrayBuffer`), as `fetch` and streams require it. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A stream of chunks that can be read once. */
export type ByteStream = ReadableStream<Bytes>;

/**
 * Returns the same bytes as a plain `Uint8Array`, since node's `Buffer` behaves differently, for example in `slice`.
 */
export function toPlainBytes(bytes: Bytes): Bytes {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Joins pieces into one array. A single piece is returned as it is. */
export function concat(pieces: readonly Bytes[]): Bytes {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Returns whether both are the same bytes, or both are missing. */
export function sameBytes(a: Bytes | undefined, b: Bytes | undefined): boolean {
  if (!a || !b) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
