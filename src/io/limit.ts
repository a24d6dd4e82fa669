import { LimitError } from "../errors.ts";
import { type Bytes, type ByteStream, concat } from "../runtime/mod.ts";
import type { AbortOptions } from "./lazy.ts";
import { chunks, observe } from "./observe.ts";

/** Mebibyte. */
const MIB = 1024 * 1024;

/** The size limits of everything that is read into memory. Beyond a limit a read fails; it never truncates. */
export const Limits = {
  /** Manifests, indexes and referrers. */
  manifest: 100 * MIB,
  /** One page of tags or of a catalog. */
  page: 100 * MIB,
  /** Bodies of token responses and of error responses. */
  message: 64 * 1024,
  /** All pages of one list together. */
  list: 256 * MIB,
  /** The pages of one list. */
  pages: 10_000,
  /** The tags and manifests of one repository's listing. */
  entries: 1_000_000,
  /** The manifests that one command examines, since it keeps some of each: members of indexes, referrers. */
  manifests: 100_000,
  /** The layers and other blobs that these manifests name. */
  blobs: 1_000_000,
  /** The highest ratio of a decompressed stream to its compressed size … */
  ratio: 1100,
  /** … which applies beyond this many bytes. */
  ratioFloor: 64 * MIB,
} as const;

/** Counts what a peer decides the number of, and fails beyond a limit. */
export class Tally {
  readonly #limit: number;
  readonly #what: string;
  #count = 0;

  /** Creates a count of zero; `what` names the counted things and their unit in an error. */
  constructor(limit: number, what: string) {
    this.#limit = limit;
    this.#what = what;
  }

  /** Adds to the count. @throws {LimitError} beyond the limit. */
  add(count: number): void {
    this.#count += count;
    if (this.#count > this.#limit) throw new LimitError(`${this.#what}: more than the limit of ${this.#limit}`);
  }
}

/** Options of {@linkcode readAll}. */
export interface ReadAllOptions extends AbortOptions {
  /** The most bytes to accept. */
  limit: number;
  /** The name of the stream in an error. */
  what: string;
}

/**
 * Reads all bytes of a stream into memory. `toBytes` of `@std/streams` has neither a limit nor a signal, and most streams
 * here come from a peer.
 *
 * @throws {LimitError} if there are more bytes than the limit; the rest is not read.
 */
export async function readAll(source: ByteStream, options: ReadAllOptions): Promise<Bytes> {
  const { limit, what, signal } = options;
  const parts: Bytes[] = [];
  let total = 0;
  for await (const chunk of chunks(source, { signal })) {
    total += chunk.length;
    if (total > limit) throw new LimitError(`${what} is larger than the limit of ${limit} bytes`);
    parts.push(chunk);
  }
  const bytes = concat(parts);
  // A runtime may read each answer into a buffer of 64 KiB, which a short result would keep.
  return bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes;
}

/** Returns the same stream, which fails beyond `limit` bytes; a function gives the limit at the moment. */
export function limitStream(source: ByteStream, limit: number | (() => number), what: string): ByteStream {
  let total = 0;
  return observe(source, {
    chunk(bytes) {
      total += bytes.length;
      const most = typeof limit === "number" ? limit : limit();
      if (total > most) throw new LimitError(`${what} is larger than the limit of ${most} bytes`);
    },
  });
}

/**
 * Returns the same decompressed stream, which fails as a decompression bomb if it is more than 1,100 times its
 * compressed size (DEFLATE's own maximum is 1,032) and more than 64 MiB.
 *
 * @param compressedSize the number of compressed bytes, at the moment
 */
export function limitRatio(source: ByteStream, compressedSize: () => number, what: string): ByteStream {
  const limit = () => Math.max(compressedSize() * Limits.ratio, Limits.ratioFloor);
  return limitStream(source, limit, `${what}, decompressed,`);
}
