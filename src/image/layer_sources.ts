import { StreamLayerError } from "../errors.ts";
import {
  type AbortOptions,
  assertReadable,
  type CompressionKind,
  decompress,
  decompressLimited,
  digestBytes,
  type Measured,
  sniffBytes,
  sniffStream,
  streamOf,
} from "../io/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { type Descriptor, layerMediaType, MediaType } from "../spec/mod.ts";
import { contentOfBytes } from "./content.ts";
import { contentOfFacts, layerFromUncompressed, layerOfContent } from "./layer_core.ts";
import { measuring, pack, packCompression, type PackFacts, type PackOptions } from "./pack.ts";
import type { Layer } from "./view.ts";

/**
 * Options for making a layer. They apply to a tar that is not compressed yet: one that is compressed is stored
 * unchanged, except for an eStargz.
 */
export interface LayerOptions extends PackOptions {
  /**
   * The media type of the stored layer.
   * @default OCI's for the compression
   */
  readonly mediaType?: string;
  /**
   * Metadata for the layer's descriptor.
   * @default none
   */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Options of {@linkcode layerFromOpener}. */
export interface LayerFromOpenerOptions extends LayerOptions {
  /**
   * The number of bytes that are opened: compressed ones may become 1,100 times as many.
   * @default those that were read so far
   */
  readonly size?: number;
}

/** What errors call the bytes that a layer is made of. */
const WHAT = "the tar of a layer";

/** Makes a layer or any other blob of bytes, which are stored unchanged. */
export async function staticLayer(bytes: Bytes, mediaType: string): Promise<Layer> {
  const digest = await digestBytes(bytes);
  const identity = { digest, size: bytes.length };
  return layerOfContent(contentOfBytes(bytes, identity), { mediaType, ...identity });
}

/** A layer of a tar in memory: as it is when it is compressed already, else compressed when it is read. */
export async function layerFromBytes(bytes: Bytes, options: LayerOptions = {}): Promise<Layer> {
  const compression = sniffBytes(bytes);
  assertReadable(compression, WHAT);
  const open = () => Promise.resolve(streamOf(bytes));
  if (compression === "none" || options.estargz) return unpacked(open, compression, { ...options, size: bytes.length });
  const identity = { digest: await digestBytes(bytes), size: bytes.length };
  return layerOfContent(contentOfBytes(bytes, identity), {
    mediaType: options.mediaType ?? layerMediaType(MediaType.OciManifest, compression),
    ...identity,
    ...(options.annotations ? { annotations: options.annotations } : {}),
  });
}

/**
 * A layer of a tar that can be opened again and again: a file, for example. Its first bytes are read now, to see
 * whether it is compressed already; then it is stored as it is, else it is compressed when it is read.
 */
export async function layerFromOpener(
  open: (options?: AbortOptions) => Promise<ByteStream>,
  options: LayerFromOpenerOptions = {},
): Promise<Layer> {
  const { compression, stream } = await sniffStream(await open());
  await stream.cancel();
  assertReadable(compression, WHAT);
  if (compression === "none" || options.estargz) return unpacked(open, compression, options);
  return precompressed(open, compression, options);
}

/** Makes a layer that packs a tar anew. */
function unpacked(
  open: (options?: AbortOptions) => Promise<ByteStream>,
  compression: CompressionKind,
  options: LayerFromOpenerOptions,
): Layer {
  const { size } = options;
  const uncompressed = async (abort?: AbortOptions) =>
    decompressLimited(await open(abort), compression, { what: WHAT, size });
  return layerFromUncompressed({ ...options, uncompressed });
}

/** A layer of compressed bytes whose digest is learnt when they are first read. */
function precompressed(
  open: (options?: AbortOptions) => Promise<ByteStream>,
  compression: CompressionKind,
  options: LayerFromOpenerOptions,
): Layer {
  const stored = layerFromUncompressed({
    uncompressed: open,
    compression: "none",
    mediaType: options.mediaType ?? layerMediaType(MediaType.OciManifest, compression),
    annotations: options.annotations,
  });
  const { size } = options;
  const uncompressed = async (abort?: AbortOptions) =>
    decompressLimited(await stored.compressed(abort), compression, { what: WHAT, size });
  const content = layerFromUncompressed({ uncompressed });
  return { ...stored, uncompressed: content.uncompressed, diffId: content.diffId };
}

/**
 * A layer of a stream that can be read once: it is compressed and hashed while it is uploaded or written. Before that
 * it has no digest, diff id or size, and asking for them fails.
 */
export function streamLayer(source: ByteStream, options: LayerOptions = {}): Layer {
  const mediaType = options.mediaType ?? layerMediaType(MediaType.OciManifest, packCompression(options));
  const facts: PackFacts = {};
  const learn = (found: PackFacts) => void Object.assign(facts, found);
  let taken = false;

  const take = () => {
    if (taken) throw new StreamLayerError("this layer is a stream that was read already");
    taken = true;
    return source;
  };
  const compressed = () => pack(take(), { ...options, learn });
  const known = (value: Measured | undefined, name: string): Measured => {
    if (value) return value;
    throw new StreamLayerError(`the ${name} of a streaming layer is not known before it was read to its end`, {
      hint: "write or upload the layer first",
    });
  };
  const descriptor = (): Descriptor => {
    const { digest, size } = known(facts.stored, "digest");
    const annotations = { ...options.annotations, ...facts.annotations };
    return { mediaType, digest, size, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) };
  };
  return {
    kind: "layer",
    content: contentOfFacts(facts, { once: true, open: () => attempt(compressed) }),
    annotations: options.annotations,
    digestKnown: () => facts.stored !== undefined,
    digest: () => attempt(() => known(facts.stored, "digest").digest),
    size: () => attempt(() => known(facts.stored, "size").size),
    diffId: () => attempt(() => known(facts.content, "diff id").digest),
    mediaType: () => Promise.resolve(mediaType),
    descriptor: () => attempt(descriptor),
    uncompressed: () =>
      attempt(() =>
        options.estargz ? decompress(compressed(), "gzip", "layer") : measuring(take(), (content) => learn({ content }))
      ),
    compressed: () => attempt(compressed),
  };
}

/** Turns a throw into a rejection. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
