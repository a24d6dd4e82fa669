import { CompressionError, UnsupportedError } from "../errors.ts";
import {
  type Bytes,
  type ByteStream,
  concat,
  gunzipStream,
  gzipBytes,
  gzipStream,
  pullStream,
  zstdCompressStream,
  zstdDecompressStream,
} from "../runtime/mod.ts";
import { chunks } from "./observe.ts";

/** The compression of a sequence of bytes. */
export type CompressionKind = "none" | "gzip" | "zstd";

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
}

/** Detects the compression from the first four bytes. */
export function sniffBytes(head: Uint8Array): CompressionKind {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return "zstd";
  return "none";
}

/** Detects the compression of a stream from its first bytes, and returns the same stream from its beginning. */
export async function sniffStream(source: ByteStream): Promise<{ compression: CompressionKind; stream: ByteStream }> {
  const reader = source.getReader();
  let head: Bytes = new Uint8Array(0);
  let ended = false;
  while (head.length < 4 && !ended) {
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
      return gzipStream(source, { level: options.level, portable: options.reproducible });
    case "zstd":
      return translated(zstdCompressStream(source, options), "the data can't be compressed with zstd");
  }
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
 * Decompresses a gzip or zstd stream, and returns any other stream as it is. The result fails with a {@linkcode
 * CompressionError} if the data is corrupt or ends early.
 *
 * @param what the name of the data in an error
 */
export function decompress(source: ByteStream, kind: CompressionKind, what: string): ByteStream {
  switch (kind) {
    case "none":
      return source;
    case "gzip":
      return translated(gunzipStream(source), `${what}: the gzip data is corrupt or ends early`);
    case "zstd":
      return translated(zstdDecompressStream(source), `${what}: the zstd data is corrupt or ends early`);
  }
}

/** Decompresses a stream as {@linkcode decompress} does, by its first bytes and not by a media type. */
export async function decompressSniffed(source: ByteStream, what: string): Promise<ByteStream> {
  const { compression, stream } = await sniffStream(source);
  return decompress(stream, compression, what);
}

/**
 * Converts the codec's own errors into errors of this package. The errors of its source, which it passes on, are kept.
 */
function translated(coded: ByteStream, message: string): ByteStream {
  const output = coded.getReader();
  return pullStream({
    async read() {
      try {
        return (await output.read()).value;
      } catch (error) {
        throw translate(error, message);
      }
    },
    cancel: (reason) => output.cancel(reason),
  });
}

function translate(error: unknown, message: string): unknown {
  if (!(error instanceof Error)) return error;
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
