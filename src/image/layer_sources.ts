import { StreamLayerError } from "../errors.ts";
import {
  type AbortOptions,
  compress,
  type CompressionKind,
  decompress,
  digestBytes,
  type Measured,
  measureStream,
  sniffBytes,
  sniffStream,
  streamOf,
} from "../io/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { type Hash, layerMediaType, MediaType } from "../spec/mod.ts";
import { layerFromCompressed, layerFromUncompressed } from "./layer_core.ts";
import type { Layer } from "./view.ts";

/** Options of what makes a layer. */
export interface LayerOptions {
  /**
   * How the layer is stored. Bytes that are compressed already are kept as they are, whatever is said here.
   * @default "gzip"
   */
  compression?: CompressionKind;
  /**
   * How hard to compress.
   * @default the fastest level that is worth its bytes
   */
  level?: number;
  /**
   * The media type of the stored layer.
   * @default OCI's for the compression
   */
  mediaType?: string;
  /**
   * Metadata for the layer's descriptor.
   * @default none
   */
  annotations?: Readonly<Record<string, string>>;
}

/** Bytes as a layer or any other blob: stored as they are, whatever they are. */
export async function staticLayer(bytes: Bytes, mediaType: string): Promise<Layer> {
  const digest = await digestBytes(bytes);
  return layerFromCompressed({
    descriptor: { mediaType, digest, size: bytes.length },
    compressed: () => Promise.resolve(streamOf(bytes)),
  });
}

/** A layer of a tar in memory: as it is when it is compressed already, else compressed when it is read. */
export async function layerFromBytes(bytes: Bytes, options: LayerOptions = {}): Promise<Layer> {
  const compression = sniffBytes(bytes);
  const open = () => Promise.resolve(streamOf(bytes));
  if (compression === "none") return layerFromUncompressed({ ...options, uncompressed: open });
  return layerFromCompressed({
    descriptor: {
      mediaType: options.mediaType ?? layerMediaType(MediaType.OciManifest, compression),
      digest: await digestBytes(bytes),
      size: bytes.length,
      ...(options.annotations ? { annotations: options.annotations } : {}),
    },
    compressed: open,
  });
}

/**
 * A layer of a tar that can be opened again and again: a file, for example. Its first bytes are read now, to see
 * whether it is compressed already; then it is stored as it is, else it is compressed when it is read.
 */
export async function layerFromOpener(
  open: (options?: AbortOptions) => Promise<ByteStream>,
  options: LayerOptions = {},
): Promise<Layer> {
  const { compression, stream } = await sniffStream(await open());
  await stream.cancel();
  if (compression === "none") return layerFromUncompressed({ ...options, uncompressed: open });
  return precompressed(open, compression, options);
}

/** A layer of compressed bytes whose digest is learnt when they are first read. */
function precompressed(
  open: (options?: AbortOptions) => Promise<ByteStream>,
  compression: CompressionKind,
  options: LayerOptions,
): Layer {
  const stored = layerFromUncompressed({
    uncompressed: open,
    compression: "none",
    mediaType: options.mediaType ?? layerMediaType(MediaType.OciManifest, compression),
    annotations: options.annotations,
  });
  const uncompressed = async (abort?: AbortOptions) => decompress(await stored.compressed(abort), compression, "layer");
  const content = layerFromUncompressed({ uncompressed });
  return { ...stored, uncompressed: content.uncompressed, diffId: content.diffId };
}

/**
 * A layer of a stream that can be read once: it is compressed and hashed while it is uploaded or written. Before that
 * it has no digest, diff id or size, and asking for them fails.
 */
export function streamLayer(source: ByteStream, options: LayerOptions = {}): Layer {
  const { compression = "gzip", level, annotations } = options;
  const mediaType = options.mediaType ?? layerMediaType(MediaType.OciManifest, compression);
  let taken = false;
  let content: Measured | undefined;
  let stored: Measured | undefined;

  const take = () => {
    if (taken) throw new StreamLayerError("this layer is a stream that was read already");
    taken = true;
    const { stream, measured } = measureStream(source);
    measured.then((found) => content = found, () => {});
    return stream;
  };
  const known = (value: Measured | undefined, name: string): Measured => {
    if (value) return value;
    throw new StreamLayerError(`the ${name} of a streaming layer is not known before it was read to its end`, {
      hint: "write or upload the layer first",
    });
  };
  return {
    kind: "layer",
    origin: undefined,
    get streaming() {
      return stored === undefined;
    },
    digestKnown: () => stored !== undefined,
    digest: () => attempt(() => known(stored, "digest").digest as Hash),
    size: () => attempt(() => known(stored, "size").size),
    diffId: () => attempt(() => known(content, "diff id").digest as Hash),
    mediaType: () => Promise.resolve(mediaType),
    descriptor: () =>
      attempt(() => ({ mediaType, ...known(stored, "digest"), ...(annotations ? { annotations } : {}) })),
    uncompressed: () => attempt(take),
    compressed: () =>
      attempt(() => {
        const { stream, measured } = measureStream(compress(take(), compression, { level }));
        measured.then((found) => stored = found, () => {});
        return stream;
      }),
  };
}

/** Turns a throw into a rejection. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
