import { CompressionError, UnsupportedError } from "../errors.ts";
import {
  type Bytes,
  type ByteStream,
  gunzipStream,
  gzipStream,
  pullStream,
  zstdCompressStream,
  zstdDecompressStream,
} from "../runtime/mod.ts";

/** How bytes are compressed. */
export type CompressionKind = "none" | "gzip" | "zstd";

/** Options of {@linkcode compress}. */
export interface CompressOptions {
  /**
   * How hard to try: 1 to 9 for gzip, 1 to 19 for zstd.
   * @default the fastest level that is worth its bytes
   */
  level?: number;
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
    else head = head.length === 0 ? value : concat(head, value);
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

/** A compressed stream. It fails with an {@linkcode UnsupportedError} when this runtime has no zstd. */
export function compress(source: ByteStream, kind: CompressionKind, options: CompressOptions = {}): ByteStream {
  switch (kind) {
    case "none":
      return source;
    case "gzip":
      return gzipStream(source, options);
    case "zstd":
      return translated(zstdCompressStream(source, options), "the data can't be compressed with zstd");
  }
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

function concat(a: Bytes, b: Bytes): Bytes {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
