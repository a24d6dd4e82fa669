// Bytes, and what compares them.

import { AssertionError } from "@std/assert";
import type { Bytes } from "../../src/runtime/mod.ts";

/** UTF-8. */
export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Latin-1: one byte for each character. */
export function latin1(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The bytes behind one another. */
export function joined(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes in pieces of `size`. */
export function pieces(bytes: Bytes, size: number): Bytes[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));
}

/** The bytes cut into chunks whose sizes `size` gives. */
export function cut(bytes: Bytes, size: () => number): Bytes[] {
  const chunks: Bytes[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = size();
    chunks.push(bytes.slice(at, at + length));
    at += length;
  }
  return chunks;
}

/** Bytes that do not compress well, the same on each call. */
export function noise(length: number, seed: number = 1): Bytes {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Text that compresses well. */
export function text(length: number): Bytes {
  const line = new TextEncoder().encode("The quick brown fox jumps over the lazy dog. ");
  return Uint8Array.from({ length }, (_, i) => line[i % line.length]);
}

/** Fails at the first byte that differs: a full diff of large arrays would take minutes. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  const length = Math.min(actual.length, expected.length);
  let at = 0;
  while (at < length && actual[at] === expected[at]) at++;
  if (at === length && actual.length === expected.length) return;
  throw new AssertionError(`${actual.length} bytes differ from the ${expected.length} expected ones at byte ${at}`);
}

/** Bytes in a few words, different for different bytes. */
export function fingerprint(bytes: Uint8Array): string {
  const hash = bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
  return `${bytes.length} bytes, ${hash.toString(16)}`;
}
