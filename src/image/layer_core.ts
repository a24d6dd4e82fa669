import {
  abortable,
  type AbortOptions,
  decompress,
  decompressLimited,
  drain,
  lazy,
  measureStream,
  sliceStream,
  sniffStream,
} from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { type Descriptor, type Hash, layerMediaType, MediaType } from "../spec/mod.ts";
import {
  type BlobIdentity,
  type BlobOrigin,
  type Content,
  contentOf,
  type OpenContentOptions,
  type Place,
} from "./content.ts";
import { estargzAnnotations } from "./estargz.ts";
import { measuring, pack, packCompression, type PackFacts, type PackOptions } from "./pack.ts";
import type { Layer } from "./view.ts";

/** The least that makes a {@linkcode Layer} of bytes that have a digest already. */
export interface CompressedLayerCore {
  /** The descriptor of the bytes: digest, size, media type, perhaps URLs and annotations. */
  readonly descriptor: Descriptor;
  /** Opens the stored bytes. They need not be verified: the view does that. */
  compressed(options?: OpenContentOptions): Promise<ByteStream>;
  /**
   * Whether `compressed` begins at the offset that it is given; one that does not is read from its start.
   * @default false
   */
  readonly ranges?: boolean;
  /** The digest of the uncompressed tar, if there is a cheaper way than reading it. */
  diffId?(options?: AbortOptions): Promise<Hash>;
  /** A repository that holds the blob. */
  readonly origin?: BlobOrigin;
  /** Where the stored bytes lie, for a sink that hands them to the runtime whole. */
  readonly place?: Place;
  /** The name of the bytes in an error; the digest by default. */
  readonly what?: string;
}

/** The least that makes a {@linkcode Layer} of an uncompressed tar. */
export interface UncompressedLayerCore extends PackOptions {
  /** Opens the uncompressed tar. */
  uncompressed(options?: AbortOptions): Promise<ByteStream>;
  /** The digest of the uncompressed tar, if it is known without reading. An eStargz layer has another tar, and another. */
  diffId?(options?: AbortOptions): Promise<Hash>;
  /** The digest and size of the stored bytes, if there is a cheaper way than packing them. */
  measure?(options?: AbortOptions): Promise<BlobIdentity>;
  /**
   * The media type of the stored layer.
   * @default OCI's for the compression
   */
  readonly mediaType?: string;
  /** Metadata for the layer's descriptor. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Makes a layer of bytes that have a digest; they are never compressed again. */
export function layerFromCompressed(core: CompressedLayerCore): Layer {
  const { descriptor } = core;
  const what = core.what ?? descriptor.digest;
  const { digest, size } = descriptor;
  const content = contentOf({
    identity: { digest, size },
    open: (options) => core.compressed(options),
    ranges: core.ranges,
    origins: core.origin ? [core.origin] : [],
    place: core.place,
    what,
  });
  return layerOfContent(content, descriptor, { diffId: core.diffId && ((options) => core.diffId!(options)), what });
}

/** A layer of a content that has a digest. */
export function layerOfContent(
  content: Content,
  descriptor: Descriptor,
  options: { diffId?: (options?: AbortOptions) => Promise<Hash>; what?: string } = {},
): Layer {
  const { what = descriptor.digest } = options;
  const compressed = (options?: AbortOptions) => content.open(options);
  const uncompressed = async (options?: AbortOptions) => {
    const { compression, stream } = await sniffStream(await compressed(options));
    return decompressLimited(stream, compression, { what, size: descriptor.size });
  };
  return {
    kind: "layer",
    content,
    annotations: descriptor.annotations,
    digestKnown: () => true,
    digest: () => Promise.resolve(descriptor.digest),
    diffId: lazy(() => options.diffId?.() ?? uncompressed().then(digestOf)),
    size: () => Promise.resolve(descriptor.size),
    mediaType: () => Promise.resolve(descriptor.mediaType),
    descriptor: () => Promise.resolve(descriptor),
    compressed,
    uncompressed,
  };
}

/**
 * Makes a layer of an uncompressed tar, compressed as it is read. Its digest is known once it was requested or the
 * compressed bytes were read to their end: the work is not done twice.
 *
 * @throws {TypeError} when the options contradict one another.
 */
export function layerFromUncompressed(core: UncompressedLayerCore): Layer {
  const { estargz = false } = core;
  const mediaType = core.mediaType ?? layerMediaType(MediaType.OciManifest, packCompression(core));
  const facts: PackFacts = {};
  const learn = (found: PackFacts) => void Object.assign(facts, found);

  const compressed = async (options?: AbortOptions) => {
    const hashContent = !core.diffId && !facts.content;
    return pack(await core.uncompressed(options), { ...core, hashContent, learn });
  };
  const uncompressed = async (options?: AbortOptions) => {
    // The table of contents depends on the compressed bytes.
    if (estargz) return decompress(await compressed(options), "gzip", "layer");
    const tar = await core.uncompressed(options);
    return core.diffId || facts.content ? tar : measuring(tar, (content) => learn({ content }));
  };
  const measure = lazy(async () => {
    if (core.measure) facts.stored ??= await core.measure();
    else if (!facts.stored) await drain(await compressed());
    return facts.stored!;
  });
  const learnDiffId = lazy(async () => {
    if (estargz) await measure();
    else if (core.diffId) return await core.diffId();
    return facts.content?.digest ?? digestOf(await core.uncompressed());
  });
  const descriptor = async (options?: AbortOptions): Promise<Descriptor> => {
    const { digest, size } = facts.stored ?? await measure(options);
    const annotations = { ...core.annotations, ...facts.annotations };
    return { mediaType, digest, size, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) };
  };
  return {
    kind: "layer",
    content: contentOfFacts(facts, { once: false, open: compressed }),
    annotations: core.annotations,
    digestKnown: () => facts.stored !== undefined,
    digest: async (options) => (facts.stored ?? await measure(options)).digest,
    // A given diff id may be of another algorithm than the computed digest.
    diffId: async (options) => (core.diffId ? undefined : facts.content?.digest) ?? await learnDiffId(options),
    size: async (options) => (facts.stored ?? await measure(options)).size,
    mediaType: () => Promise.resolve(mediaType),
    descriptor,
    compressed,
    uncompressed,
  };
}

/** The content of a tar that is packed while it is read. */
export function contentOfFacts(
  facts: PackFacts,
  { once, open }: { once: boolean; open: (options?: AbortOptions) => Promise<ByteStream> },
): Content {
  return {
    get identity() {
      return facts.stored;
    },
    once,
    origins: [],
    open: async ({ offset = 0, signal } = {}) => sliceStream(await open({ signal }), { offset }),
  };
}

/** The digest of a stream, read to its end. */
async function digestOf(stream: ByteStream): Promise<Hash> {
  const measuring = measureStream(stream);
  await drain(measuring.stream);
  return abortable(measuring.measured).then(({ digest }) => digest);
}

/** The fields of a descriptor that {@linkcode withDescriptor} replaces; absent ones stay. */
export interface DescriptorOverrides {
  /** The media type. */
  readonly mediaType?: string;
  /** Metadata; what there is about the table of contents of an eStargz stays besides. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where else the layer may be downloaded from. */
  readonly urls?: readonly string[];
}

/** Returns the same layer with another media type, other annotations or URLs in its descriptor. */
export function withDescriptor(layer: Layer, overrides: DescriptorOverrides): Layer {
  const { mediaType, annotations, urls } = overrides;
  if (mediaType === undefined && annotations === undefined && urls === undefined) return layer;
  const annotated = (own: Descriptor["annotations"]) =>
    annotations === undefined ? own : { ...estargzAnnotations(own), ...annotations };
  return {
    ...layer,
    annotations: annotated(layer.annotations),
    mediaType: mediaType === undefined ? layer.mediaType : () => Promise.resolve(mediaType),
    async descriptor(options) {
      const own = await layer.descriptor(options);
      return {
        ...own,
        ...(mediaType === undefined ? {} : { mediaType }),
        ...(annotations === undefined ? {} : { annotations: annotated(own.annotations) }),
        ...(urls === undefined ? {} : { urls }),
      };
    },
  };
}
