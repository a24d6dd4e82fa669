import type { ByteStream } from "./bytes.ts";
import { blockInput, codecStream } from "./codec_stream.ts";
import { nodeModule, notSupported } from "./host.ts";
import { webCodecStream } from "./web_codec.ts";
import { zstdFrameInput } from "./zstd_frames.ts";

/** How to compress with gzip. */
export interface GzipOptions {
  /**
   * 1 (fast) to 9 (small). Without node:zlib there is only the level of `CompressionStream`.
   * @default 1
   */
  level?: number;
}

/** How to compress with zstd. */
export interface ZstdOptions {
  /**
   * 1 (fast) to 22 (small).
   * @default 3
   */
  level?: number;
}

/** The length of the blocks that go into a codec and come out of it. */
const BLOCK_SIZE = 256 * 1024;

/**
 * Decompresses gzip of one member or more; zeros after the last are taken for padding. Corrupt input fails with an
 * `Error` of the name `CodecError` and the code `Z_DATA_ERROR`, input that ends early with `Z_BUF_ERROR`; an error
 * of the source comes out as it is. Without node:zlib it reads as many members as `DecompressionStream` does.
 */
export function gunzipStream(source: ByteStream): ByteStream {
  const zlib = nodeModule("node:zlib");
  if (zlib === undefined) return webCodecStream(source, () => new DecompressionStream("gzip"));
  return codecStream(blockInput(source, BLOCK_SIZE), {
    open: () => zlib.createGunzip({ chunkSize: BLOCK_SIZE }),
    padded: true,
  });
}

/**
 * Compresses with gzip. The same bytes give the same result on the same runtime, however they are cut into chunks:
 * the header holds no time. Another runtime, or another version of it, may give other bytes.
 */
export function gzipStream(source: ByteStream, options: GzipOptions = {}): ByteStream {
  const { level = 2 } = options;
  const zlib = nodeModule("node:zlib");
  if (zlib === undefined) return webCodecStream(source, () => new CompressionStream("gzip"));
  return codecStream(blockInput(source, BLOCK_SIZE), { open: () => zlib.createGzip({ level, chunkSize: BLOCK_SIZE }) });
}

/**
 * Decompresses zstd of one frame or more (RFC 8878); skippable frames are passed over. It fails as
 * {@linkcode gunzipStream} does, and with a `NotSupportedError` where node:zlib has no zstd.
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

/** Compresses with zstd, one frame with a checksum; a `NotSupportedError` where node:zlib has no zstd. */
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
