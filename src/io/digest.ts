import { DigestMismatchError, SizeMismatchError } from "../errors.ts";
import {
  type Bytes,
  type ByteStream,
  type HashAlgorithm,
  hashHex,
  type StreamingHash,
  streamingHash,
} from "../runtime/mod.ts";
import { observe } from "./observe.ts";

/** A digest as the image-spec writes it. */
export type Digest = `${HashAlgorithm}:${string}`;

/** The measured digest and size of a stream. */
export interface Measured {
  /** The digest of its bytes. */
  readonly digest: Digest;
  /** The number of its bytes. */
  readonly size: number;
}

/** The expected digest and size of a stream. */
export interface Expected {
  /** The digest of its bytes. */
  readonly digest: Digest;
  /**
   * The number of its bytes.
   * @default any
   */
  readonly size?: number;
}

/** Returns the digest of bytes in memory. */
export async function digestBytes(bytes: Uint8Array, algorithm: HashAlgorithm = "sha256"): Promise<Digest> {
  return `${algorithm}:${await hashHex(bytes, algorithm)}`;
}

/**
 * Verifies bytes in memory and returns them.
 *
 * @param what the name of the bytes in an error
 * @throws {SizeMismatchError} if there are more or fewer bytes than expected.
 * @throws {DigestMismatchError} if the digest differs.
 */
export async function verifyBytes(bytes: Bytes, expected: Expected, what: string): Promise<Bytes> {
  if (expected.size !== undefined && bytes.length !== expected.size) {
    throw sizeMismatch(what, bytes.length, expected.size);
  }
  const actual = await digestBytes(bytes, algorithmOf(expected.digest));
  if (actual !== expected.digest) throw digestMismatch(what, actual, expected.digest);
  return bytes;
}

/**
 * Returns the same stream, verified as it is read. It fails before it closes if the digest or the size differs, and as
 * soon as there are more bytes than expected.
 *
 * @param what the name of the stream in an error
 */
export function verifyStream(source: ByteStream, expected: Expected, what: string): ByteStream {
  const algorithm = algorithmOf(expected.digest);
  let hash: StreamingHash;
  let size = 0;
  return observe(source, {
    async start() {
      hash = await streamingHash(algorithm);
    },
    chunk(bytes) {
      size += bytes.length;
      if (expected.size !== undefined && size > expected.size) {
        throw new SizeMismatchError(`${what} has more than the ${expected.size} bytes that were promised`);
      }
      hash.update(bytes);
    },
    async end() {
      if (expected.size !== undefined && size !== expected.size) throw sizeMismatch(what, size, expected.size);
      const actual: Digest = `${algorithm}:${await hash.hex()}`;
      if (actual !== expected.digest) throw digestMismatch(what, actual, expected.digest);
    },
  });
}

/**
 * Returns the same stream, hashed as it is read. `measured` resolves at the end of the stream, and rejects if the
 * stream fails or is cancelled.
 */
export function measureStream(
  source: ByteStream,
  algorithm: HashAlgorithm = "sha256",
): { stream: ByteStream; measured: Promise<Measured> } {
  const { promise, resolve, reject } = Promise.withResolvers<Measured>();
  promise.catch(() => {}); // the reader of the stream receives the error
  let hash: StreamingHash;
  let size = 0;
  const stream = observe(source, {
    async start() {
      hash = await streamingHash(algorithm);
    },
    chunk(bytes) {
      size += bytes.length;
      hash.update(bytes);
    },
    async end() {
      resolve({ digest: `${algorithm}:${await hash.hex()}`, size });
    },
    settled(error) {
      if (error !== undefined) reject(error);
    },
  });
  return { stream, measured: promise };
}

function algorithmOf(digest: Digest): HashAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** Creates the error for a wrong number of bytes. */
export function sizeMismatch(what: string, actual: number, expected: number): SizeMismatchError {
  return new SizeMismatchError(`${what} has ${actual} bytes where ${expected} were promised`);
}

function digestMismatch(what: string, actual: Digest, expected: Digest): DigestMismatchError {
  return new DigestMismatchError(`${what} has the digest ${actual} where ${expected} was promised`);
}
