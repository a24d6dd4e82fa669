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

/** What a stream was found to hold. */
export interface Measured {
  /** The digest of its bytes. */
  readonly digest: Digest;
  /** The number of its bytes. */
  readonly size: number;
}

/** What a stream is expected to hold. */
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
 * Checks bytes in memory and gives them back.
 *
 * @param what what to call them in an error
 * @throws {SizeMismatchError} when there are more or fewer than expected.
 * @throws {DigestMismatchError} when their digest is another.
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
 * Returns the same stream, checked on the way. It fails before it closes when the digest or the size is not as
 * expected, and as soon as there are more bytes than expected.
 *
 * @param what what to call it in an error
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
 * Returns the same stream, hashed on the way. `measured` settles when the stream is over: it rejects when the stream
 * fails or is cancelled.
 */
export function measureStream(
  source: ByteStream,
  algorithm: HashAlgorithm = "sha256",
): { stream: ByteStream; measured: Promise<Measured> } {
  const { promise, resolve, reject } = Promise.withResolvers<Measured>();
  promise.catch(() => {}); // whoever reads the stream sees the error there
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

/** Returns the error of bytes that are not as many as was promised. */
export function sizeMismatch(what: string, actual: number, expected: number): SizeMismatchError {
  return new SizeMismatchError(`${what} has ${actual} bytes where ${expected} were promised`);
}

function digestMismatch(what: string, actual: Digest, expected: Digest): DigestMismatchError {
  return new DigestMismatchError(`${what} has the digest ${actual} where ${expected} was promised`);
}
