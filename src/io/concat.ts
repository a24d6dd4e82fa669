import type { Bytes } from "../runtime/mod.ts";

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
