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

/** How bytes are compressed. */
export type CompressionKind = "none" | "gzip" | "zstd";

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

/** How bytes are compressed, by their first four. */
export function sniffBytes(head: Uint8Array): CompressionKind {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return "zstd";
  return "none";
}

/** How a stream is compressed, by its first bytes, and the same stream from its beginning. */
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

/** {@linkcode decompress} by what the bytes are, not by what anybody says they are. */
export async function decompressSniffed(source: ByteStream, what: string): Promise<ByteStream> {
  const { compression, stream } = await sniffStream(source);
  return decompress(stream, compression, what);
}

/** The codec's own errors become ours; those of its source, which it passes on, stay as they are. */
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
