import { type Bytes, type ByteStream, toPlainBytes } from "./bytes.ts";
import { blockInput, codecStream } from "./codec_stream.ts";
import { gzipBlockStream } from "./gzip_blocks.ts";
import { nodeModule, notSupported } from "./host.ts";
import { portableGzipStream } from "./portable_gzip.ts";
import { pullStream } from "./pull_stream.ts";
import { webCodecStream } from "./web_codec.ts";
import { webGunzipStream } from "./web_gunzip.ts";
import { zstdFrameInput } from "./zstd_frames.ts";

/** Options of {@linkcode gzipStream}. */
export interface GzipOptions {
  /**
   * The level, 1 (fast) to 9 (small). Without node:zlib only the level of `CompressionStream` is available, unless
   * `portable` is set.
   *
   * @default 2
   */
  level?: number;
  /**
   * Whether every runtime gives the same bytes: the codec is then JavaScript, at a third of the speed.
   *
   * @default false
   */
  portable?: boolean;
  /**
   * The most threads that compress at the same time, for all streams with this number; the result does not depend on
   * it. 0 starts none.
   *
   * @default one for each processor, 4 at most
   */
  threads?: number;
}

/** Options of {@linkcode zstdCompressStream}. */
export interface ZstdOptions {
  /**
   * The level, 1 (fast) to 22 (small).
   *
   * @default 3
   */
  level?: number;
}

/** The length of a codec's input and output blocks. */
const BLOCK_SIZE = 256 * 1024;

const DEFAULT_GZIP_LEVEL = 2;

/**
 * Decompresses gzip of one or more members; zeros after the last are padding. Corrupt input fails with an `Error` of
 * the name `CodecError` and the code `Z_DATA_ERROR`, input that ends early with `Z_BUF_ERROR`; an error of the source
 * is passed on. Without node:zlib the padding is an error.
 */
export function gunzipStream(source: ByteStream): ByteStream {
  const zlib = nodeModule("node:zlib");
  if (zlib === undefined) return webGunzipStream(source);
  return codecStream(blockInput(source, BLOCK_SIZE), {
    open: () => zlib.createGunzip({ chunkSize: BLOCK_SIZE }),
    padded: true,
  });
}

/**
 * Compresses with gzip. The same bytes give the same result on the same runtime, regardless of their chunks, as the
 * header contains no time. Another runtime, or another version of it, may give other bytes unless `portable` is set.
 */
export function gzipStream(source: ByteStream, options: GzipOptions = {}): ByteStream {
  const { level = DEFAULT_GZIP_LEVEL, portable = false } = options;
  if (portable) return portableGzipStream(source, { level });
  const zlib = nodeModule("node:zlib");
  if (zlib === undefined) return webCodecStream(source, () => new CompressionStream("gzip"));
  return gzipBlockStream(source, { zlib, level, threads: threadsOf(options) });
}

/** Returns the number of threads: each may take 20 MB. */
function threadsOf({ threads = 4 }: GzipOptions): number {
  return Math.min(threads, globalThis.navigator?.hardwareConcurrency ?? 1);
}

/**
 * Compresses a small input with gzip in one call: a stream for each of thousands of small pieces costs more than their
 * compression. The result differs from that of {@linkcode gzipStream}.
 */
export async function gzipBytes(bytes: Bytes, options: GzipOptions = {}): Promise<Bytes> {
  const { level = DEFAULT_GZIP_LEVEL, portable = false } = options;
  const zlib = portable ? undefined : nodeModule("node:zlib");
  if (zlib !== undefined) return toPlainBytes(zlib.gzipSync(bytes, { level }) as Bytes);
  let rest: Bytes | undefined = bytes;
  const source = pullStream({
    read() {
      const chunk = rest;
      rest = undefined;
      return chunk;
    },
  });
  return new Uint8Array(await new Response(gzipStream(source, options)).arrayBuffer());
}

/**
 * Decompresses zstd of one or more frames (RFC 8878) and skips skippable frames. Fails as {@linkcode gunzipStream}
 * does, and with a `NotSupportedError` if node:zlib has no zstd.
 */
export function zstdDecompressStream(source: ByteStream): ByteStream {
  return codecStream(zstdFrameInput(blockInput(source, BLOCK_SIZE)), {
    open() {
      const zlib = nodeModule("node:zlib");
      if (zlib?.createZstdDecompress === undefined) throw notSupported("zstd");
      return zlib.createZstdDecompress({ chunkSize: BLOCK_SIZE });
    },
  });
}

/**
 * Compresses with zstd into one frame with a checksum, or fails with a `NotSupportedError` if node:zlib has no zstd.
 * Another runtime, or another version of it, may give other bytes.
 */
export function zstdCompressStream(source: ByteStream, options: ZstdOptions = {}): ByteStream {
  const { level = 3 } = options;
  return codecStream(blockInput(source, BLOCK_SIZE), {
    open() {
      const zlib = nodeModule("node:zlib");
      if (zlib?.createZstdCompress === undefined) throw notSupported("zstd");
      const { ZSTD_c_checksumFlag, ZSTD_c_compressionLevel } = zlib.constants;
      return zlib.createZstdCompress({
        chunkSize: BLOCK_SIZE,
        params: { [ZSTD_c_compressionLevel]: level, [ZSTD_c_checksumFlag]: 1 },
      });
    },
  });
}
