import type { HashAlgorithm, StreamingHash } from "./hash.ts";

/** A hash whose state can be saved, so that another process can continue it. */
export interface ResumableHash extends StreamingHash {
  /** Returns the state as text for {@linkcode resumableHash}. */
  save(): string;
}

/**
 * Starts a hash, or continues one from a saved state. Uses JavaScript on every runtime, at a tenth of the speed of
 * `streamingHash`, as no runtime exposes the state of its own hash.
 */
export async function resumableHash(algorithm: HashAlgorithm, saved?: string): Promise<ResumableHash> {
  const hashes = await import("@noble/hashes/sha2.js");
  const hash = hashes[algorithm].create();
  const state = hash as unknown as Record<string, unknown> & { buffer: Uint8Array };
  if (saved !== undefined) {
    const { buffer, ...numbers } = JSON.parse(saved);
    Object.assign(state, numbers);
    state.buffer.set(buffer);
  }
  return {
    update(chunk) {
      hash.update(chunk);
    },
    hex: () => Promise.resolve(Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, "0")).join("")),
    save() {
      const numbers = Object.entries(state).filter(([, value]) => typeof value === "number");
      return JSON.stringify({ ...Object.fromEntries(numbers), buffer: [...state.buffer] });
    },
  };
}
