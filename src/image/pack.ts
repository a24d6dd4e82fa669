import { checkReproducible, compress, type Measured, measureStream } from "../io/mod.ts";
import type { Compression } from "../spec/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { type EstargzLayerOptions, estargzStream } from "./estargz.ts";

/** How a tar is stored as a layer. */
export interface PackOptions {
  /**
   * How the layer is stored.
   * @default "gzip"
   */
  readonly compression?: Compression;
  /**
   * How hard to compress: 1 to 9 for gzip, 1 to 19 for zstd.
   * @default the fastest level that is worth its bytes
   */
  readonly level?: number;
  /**
   * Whether the same tar shall give the same bytes, and so the same digest, on every runtime and version of it. The
   * codec is then JavaScript, at about a third of the speed. It is for gzip, and holds for one version of gcrane.
   * @default false
   */
  readonly reproducible?: boolean;
  /**
   * Whether the layer is an eStargz, of which containerd's stargz snapshotter can read single files before all of it is
   * there. It is gzip like any other, and its uncompressed tar has a table of contents besides what is in the given
   * one.
   * @default false
   */
  readonly estargz?: boolean | EstargzLayerOptions;
  /**
   * The most threads that compress gzip at the same time, in all layers with this number; the bytes are the same.
   * Without node:zlib, and where the bytes shall be the same on every runtime, there is one.
   * @default one for each processor, 4 at most
   */
  jobs?: number;
}

/** The facts that become known while a tar is packed. */
export interface PackFacts {
  /** The stored bytes. */
  stored?: Measured;
  /** The uncompressed tar inside. */
  content?: Measured;
  /** Further annotations of the layer's descriptor. */
  annotations?: Readonly<Record<string, string>>;
}

/** Returns the compression that options ask for. @throws {TypeError} when they contradict one another. */
export function packCompression(options: PackOptions): Compression {
  const { compression = "gzip", estargz } = options;
  if (estargz && compression !== "gzip") {
    throw new TypeError(`an eStargz layer is gzip, and can't be stored as ${compression}`);
  }
  checkReproducible(compression, options);
  return compression;
}

/** Packs a tar as it is stored. Calls `learn` with facts as they become known, all of them before the stream closes. */
export function pack(
  tar: ByteStream,
  options: PackOptions & {
    readonly learn: (facts: PackFacts) => void;
    /**
     * Whether the uncompressed tar is hashed.
     * @default true
     */
    readonly hashContent?: boolean;
  },
): ByteStream {
  const { level, reproducible, estargz, jobs, learn, hashContent = true } = options;
  const compression = packCompression(options);
  const learnStored = (stored: Measured) => learn({ stored });
  if (estargz) {
    const { chunkSize } = estargz === true ? {} as EstargzLayerOptions : estargz;
    return measuring(estargzStream(tar, { level, reproducible, jobs, chunkSize, onEnd: learn }), learnStored);
  }
  if (compression === "none") return measuring(tar, (found) => learn({ stored: found, content: found }));
  const plain = hashContent ? measuring(tar, (content) => learn({ content })) : tar;
  return measuring(compress(plain, compression, { level, reproducible, jobs }), learnStored);
}

/** Returns the same stream; calls `tell` with its digest and size at the end. */
export function measuring(source: ByteStream, tell: (found: Measured) => void): ByteStream {
  const { stream, measured } = measureStream(source);
  measured.then(tell, () => {});
  return stream;
}
