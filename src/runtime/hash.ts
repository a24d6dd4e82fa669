import type { Bytes } from "./bytes.ts";
import { isNodeModuleLoaded, nodeModule, runtimeName } from "./host.ts";

/** A hash algorithm of the image-spec. */
export type HashAlgorithm = "sha256" | "sha512";

/** A hash with incremental input. */
export interface StreamingHash {
  /** Adds bytes. The memory of the chunk may be used again after the call. */
  update(chunk: Uint8Array): void;
  /** Ends the hash and returns it as lower-case hexadecimal digits. Call it once. */
  hex(): Promise<string>;
}

/** A {@linkcode StreamingHash} that can also end synchronously. */
export interface SyncStreamingHash extends StreamingHash {
  /** Ends the hash and returns it as lower-case hexadecimal digits. Call either this or `hex`, once. */
  hexSync(): string;
}

const webNames = { sha256: "SHA-256", sha512: "SHA-512" } as const;

/** The part of workerd's digest stream that is used here. */
interface DigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;
}

/**
 * Starts a hash with the fastest codec of this runtime: node:crypto, else `crypto.DigestStream` of workerd, else
 * JavaScript, which is loaded on first use.
 */
export async function streamingHash(algorithm: HashAlgorithm): Promise<StreamingHash> {
  return streamingHashSync(algorithm) ?? digestStreamHash(algorithm) ?? await resumableHash(algorithm);
}

/** Starts a hash as {@linkcode streamingHash} does, synchronously. Returns `undefined` without node:crypto. */
export function streamingHashSync(algorithm: HashAlgorithm): SyncStreamingHash | undefined {
  const hash = nodeModule("node:crypto")?.createHash(algorithm);
  if (hash === undefined) return undefined;
  return {
    update(chunk) {
      hash.update(chunk);
    },
    hex: () => Promise.resolve(hash.digest("hex")),
    hexSync: () => hash.digest("hex"),
  };
}

function digestStreamHash(algorithm: HashAlgorithm): StreamingHash | undefined {
  const { DigestStream } = crypto as { DigestStream?: new (name: string) => DigestStream };
  if (DigestStream === undefined) return undefined;
  const stream = new DigestStream(webNames[algorithm]);
  const writer = stream.getWriter();
  let failure: unknown;
  const failed = (error: unknown) => void (failure ??= error);
  stream.digest.catch(failed);
  return {
    update(chunk) {
      writer.write(chunk.slice()).catch(failed); // the chunk may be used again, and the stream takes it later
    },
    async hex() {
      await writer.close();
      if (failure !== undefined) throw failure;
      return hexOf(new Uint8Array(await stream.digest));
    },
  };
}

/** Up to this many bytes `crypto.subtle` is as fast as loading node:crypto. */
const SUBTLE_LIMIT = 1 << 20;

/** Hashes bytes in memory and returns lower-case hexadecimal digits. */
export async function hashHex(bytes: Uint8Array, algorithm: HashAlgorithm): Promise<string> {
  if (runtimeName() !== "deno" || isNodeModuleLoaded("node:crypto") || bytes.byteLength > SUBTLE_LIMIT) {
    const hash = streamingHashSync(algorithm);
    if (hash !== undefined) {
      hash.update(bytes);
      return hash.hexSync();
    }
  }
  return hexOf(new Uint8Array(await crypto.subtle.digest(webNames[algorithm], bytes as Bytes)));
}

function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

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
    hex: () => Promise.resolve(hexOf(hash.digest())),
    save() {
      const numbers = Object.entries(state).filter(([, value]) => typeof value === "number");
      return JSON.stringify({ ...Object.fromEntries(numbers), buffer: [...state.buffer] });
    },
  };
}
