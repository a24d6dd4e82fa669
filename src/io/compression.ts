import { CompressionError, UnsupportedError } from "../errors.ts";
import {
  type Bytes,
  type ByteStream,
  gunzipStream,
  gzipBytes,
  gzipStream,
  pullStream,
  zstdCompressStream,
  zstdDecompressStream,
} from "../runtime/mod.ts";
import { concat } from "./concat.ts";
import { errorCode } from "./file_failure.ts";
import { chunks } from "./observe.ts";

/** How bytes are compressed. */
export type CompressionKind = "none" | "gzip" | "zstd";

/** How bytes turn out to be compressed: also in ways that are recognised, and not read. */
export type SniffedCompression = CompressionKind | "xz" | "bzip2";

/** Options of {@linkcode compress}. */
export interface CompressOptions {
  /**
   * How hard to try: 1 to 9 for gzip, 1 to 19 for zstd.
   * @default the fastest level that is worth its bytes
   */
  level?: number;
  /**
   * Whether the same bytes shall give the same result on every runtime; slower, and not for zstd.
   * @default false
   */
  reproducible?: boolean;
}

/** How many bytes {@linkcode sniffBytes} looks at. */
export const SNIFF_LENGTH = 10;

/** How bytes are compressed, by their first {@linkcode SNIFF_LENGTH}. */
export function sniffBytes(head: Uint8Array): SniffedCompression {
  const start = String.fromCharCode(...head.subarray(0, SNIFF_LENGTH));
  if (start.startsWith("\x1f\x8b")) return "gzip";
  if (start.startsWith("\x28\xb5\x2f\xfd")) return "zstd";
  if (start.startsWith("\xfd7zXZ\0")) return "xz";
  // The magic of the first block, or of the end of an empty file: letters alone may be the first name in a tar.
  return /^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/.test(start) ? "bzip2" : "none";
}

/** @throws {CompressionError} when bytes are compressed in a way that is not read. */
export function assertReadable(kind: SniffedCompression, what: string): asserts kind is CompressionKind {
  if (kind !== "xz" && kind !== "bzip2") return;
  throw new CompressionError(`${what} is compressed with ${kind}, which is not read`, {
    hint: "decompress it, or compress it with gzip or zstd",
  });
}

/** How a stream is compressed, by its first bytes, and the same stream from its beginning. */
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
 * A compressed stream. It fails with an {@linkcode UnsupportedError} when this runtime has no zstd.
 *
 * @throws {TypeError} when zstd shall be reproducible: there is no such codec.
 */
export function compress(source: ByteStream, kind: CompressionKind, options: CompressOptions = {}): ByteStream {
  checkReproducible(kind, options);
  switch (kind) {
    case "none":
      return source;
    case "gzip":
      return gzipStream(source, { level: options.level, portable: options.reproducible });
    case "zstd":
      return translated(zstdCompressStream(source, options), "the data can't be compressed with zstd");
  }
}

/** Says early that a compression can't be reproducible. @throws {TypeError} when it can't. */
export function checkReproducible(kind: CompressionKind, { reproducible = false }: CompressOptions): void {
  if (kind !== "zstd" || !reproducible) return;
  throw new TypeError("zstd is not reproducible: each runtime has a codec of its own, so take gzip");
}

/** The most bytes that are compressed at once. */
const GZIP_AT_ONCE = 256 * 1024;

/**
 * Compresses with gzip what comes in pieces, as a member of its own. A short one is compressed at once, so that many of
 * them are quick to make; of a long one no more than a few pieces are in memory.
 *
 * @param read gives the next piece, `undefined` at the end
 */
export async function* gzipMember(
  read: () => Promise<Bytes | undefined>,
  options: CompressOptions = {},
): AsyncGenerator<Bytes, void, undefined> {
  const gzip = { level: options.level, portable: options.reproducible };
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
 * The bytes inside a stream: gunzipped, unzstded or as they are. It fails with a {@linkcode CompressionError} when the
 * data is corrupt or ends early.
 *
 * @param what what to call it in an error
 * @throws {CompressionError} when it is compressed in a way that is not read; the source is cancelled.
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

/** {@linkcode decompress} by what the bytes are, not by what anybody says they are. */
export async function decompressSniffed(source: ByteStream, what: string): Promise<ByteStream> {
  const { compression, stream } = await sniffStream(source);
  return decompress(stream, compression, what);
}

/** The codec's own errors become ours; those of its source, which it passes on, stay as they are. */
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
