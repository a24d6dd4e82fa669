import { CompressionError, UnsupportedError } from "../errors.ts";
import {
  type Bytes,
  type ByteStream,
  concat,
  gunzipStream,
  gzipBytes,
  type GzipOptions,
  gzipStream,
  pullStream,
  zstdCompressStream,
  zstdDecompressStream,
} from "../runtime/mod.ts";
import { errorCode } from "./file_failure.ts";
import { limitRatio } from "./limit.ts";
import { chunks, observe } from "./observe.ts";

/** The compression of a sequence of bytes. */
export type CompressionKind = "none" | "gzip" | "zstd";

/** A detected compression; some kinds are detected but can't be decompressed. */
export type SniffedCompression = CompressionKind | "xz" | "bzip2";

/** Options of {@linkcode compress}. */
export interface CompressOptions {
  /**
   * The compression level: 1 to 9 for gzip, 1 to 19 for zstd.
   *
   * @default the fastest level that is worth its bytes
   */
  level?: number;
  /**
   * Whether the same bytes give the same result on every runtime. Slower, and not available for zstd.
   *
   * @default false
   */
  reproducible?: boolean;
  /**
   * The most threads that compress gzip at the same time, in all streams with this number; the result is the same.
   *
   * @default one for each processor, 4 at most
   */
  jobs?: number;
}

/** The number of bytes that {@linkcode sniffBytes} reads. */
export const SNIFF_LENGTH = 10;

/** Detects the compression from the first {@linkcode SNIFF_LENGTH} bytes. */
export function sniffBytes(head: Uint8Array): SniffedCompression {
  const start = String.fromCharCode(...head.subarray(0, SNIFF_LENGTH));
  if (start.startsWith("\x1f\x8b")) return "gzip";
  // A skippable frame (RFC 8878, section 3.1.2) may come before the data: pzstd and zstd:chunked write some.
  if (start.startsWith("\x28\xb5\x2f\xfd") || (head[0] >> 4 === 5 && start.startsWith("\x2a\x4d\x18", 1))) {
    return "zstd";
  }
  if (start.startsWith("\xfd7zXZ\0")) return "xz";
  // The digits of a block or of the end follow: "BZh9" alone may be the beginning of a tar's first name.
  const isBzip2 = /^BZh[1-9]/.test(start) && ["1AY&SY", "\x17rE8P\x90"].some((magic) => start.startsWith(magic, 4));
  return isBzip2 ? "bzip2" : "none";
}

/** Checks that a compression can be decompressed. @throws {CompressionError} if it can't. */
export function assertReadable(kind: SniffedCompression, what: string): asserts kind is CompressionKind {
  if (kind !== "xz" && kind !== "bzip2") return;
  throw new CompressionError(`${what} is compressed with ${kind}, which is not read`, {
    hint: "decompress it, or compress it with gzip or zstd",
  });
}

/** Detects the compression of a stream from its first bytes, and returns the same stream from its beginning. */
export async function sniffStream(
  source: ByteStream,
): Promise<{ compression: SniffedCompression; stream: ByteStream }> {
  const reader = source.getReader();
  let head: Bytes = new Uint8Array(0);
  let ended = false;
  while (head.length < SNIFF_LENGTH && !ended) {
    const { value, done } = await reader.read();
    if (done) ended = true;
    else head = head.length === 0 ? value : concat([head, value]);
  }
  let first: Bytes | undefined = head.length > 0 ? head : undefined;
  const stream = pullStream({
    async read() {
      const chunk = first;
      first = undefined;
      return chunk ?? (ended ? undefined : (await reader.read()).value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { compression: sniffBytes(head), stream };
}

/**
 * Returns the compressed stream, which fails with an {@linkcode UnsupportedError} if the runtime has no zstd.
 *
 * @throws {TypeError} if `reproducible` is set for zstd, as no such codec exists.
 */
export function compress(source: ByteStream, kind: CompressionKind, options: CompressOptions = {}): ByteStream {
  checkReproducible(kind, options);
  switch (kind) {
    case "none":
      return source;
    case "gzip":
      return gzipStream(source, gzipOptions(options));
    case "zstd":
      return translated(zstdCompressStream(source, options), "the data can't be compressed with zstd");
  }
}

function gzipOptions({ level, reproducible, jobs }: CompressOptions): GzipOptions {
  return { level, portable: reproducible, threads: jobs };
}

/** Checks early that a compression can be reproducible. @throws {TypeError} if it can't. */
export function checkReproducible(kind: CompressionKind, { reproducible = false }: CompressOptions): void {
  if (kind !== "zstd" || !reproducible) return;
  throw new TypeError("zstd is not reproducible: each runtime has a codec of its own, so take gzip");
}

/** The most bytes that are compressed at once. */
const GZIP_AT_ONCE = 256 * 1024;

/**
 * Compresses pieces of data as one gzip member. A short input is compressed in one call, which is fast for many small
 * inputs; of a long input only a few pieces are in memory.
 *
 * @param read returns the next piece, or `undefined` at the end
 */
export async function* gzipMember(
  read: () => Promise<Bytes | undefined>,
  options: CompressOptions = {},
): AsyncGenerator<Bytes, void, undefined> {
  const gzip = gzipOptions(options);
  const pieces: Bytes[] = [];
  let size = 0;
  for (let piece = await read(); piece; piece = await read()) {
    pieces.push(piece);
    size += piece.length;
    if (size < GZIP_AT_ONCE) continue;
    yield* chunks(gzipStream(pullStream({ read: () => pieces.length > 0 ? pieces.shift() : read() }), gzip));
    return;
  }
  yield await gzipBytes(concat(pieces), gzip);
}

/**
 * Decompresses a gzip or zstd stream, and returns any other stream as it is. The result fails with a {@linkcode
 * CompressionError} if the data is corrupt or ends early.
 *
 * @param what the name of the data in an error
 */
export function decompress(source: ByteStream, kind: SniffedCompression, what: string): ByteStream {
  try {
    assertReadable(kind, what);
  } catch (error) {
    source.cancel(error).catch(() => {});
    throw error;
  }
  if (kind === "none") return source;
  const coded = kind === "gzip" ? gunzipStream(source) : zstdDecompressStream(source);
  return translated(coded, `${what}: the ${kind} data is corrupt or ends early`, what);
}

/** Options of {@linkcode decompressLimited}. */
export interface DecompressOptions {
  /** The name of the data in an error. */
  what: string;
  /**
   * The number of compressed bytes.
   *
   * @default those that were read so far
   */
  size?: number;
}

/** Decompresses a stream as {@linkcode decompress} does; the result fails as a bomb as {@linkcode limitRatio} has it. */
export function decompressLimited(
  source: ByteStream,
  kind: SniffedCompression,
  { what, size }: DecompressOptions,
): ByteStream {
  if (kind === "none") return source;
  let read = 0;
  const counted = size === undefined ? observe(source, { chunk: ({ length }) => read += length }) : source;
  return limitRatio(decompress(counted, kind, what), () => size ?? read, what);
}

/** Decompresses a stream as {@linkcode decompressLimited} does, by its first bytes and not by a media type. */
export async function decompressSniffed(source: ByteStream, options: DecompressOptions): Promise<ByteStream> {
  const { compression, stream } = await sniffStream(source);
  return decompressLimited(stream, compression, options);
}

/**
 * Converts the codec's own errors into errors of this package. The errors of its source, which it passes on, are kept.
 */
function translated(coded: ByteStream, message: string, what?: string): ByteStream {
  const output = coded.getReader();
  return pullStream({
    async read() {
      try {
        return (await output.read()).value;
      } catch (error) {
        throw translate(error, message, what);
      }
    },
    cancel: (reason) => output.cancel(reason),
  });
}

function translate(error: unknown, message: string, what?: string): unknown {
  if (!(error instanceof Error)) return error;
  if (what !== undefined && errorCode(error) === "Z_MEM_ERROR") {
    return new CompressionError(`${what} ${error.message}`, {
      cause: error,
      hint: "compress it again, without --long or with --long=27",
    });
  }
  switch (error.name) {
    case "CodecError":
      return new CompressionError(message, { cause: error });
    case "NotSupportedError":
      return new UnsupportedError("this runtime has no zstd", {
        cause: error,
        hint: "use Deno, Bun, or Node.js 22.15 or newer",
      });
    default:
      return error;
  }
}
