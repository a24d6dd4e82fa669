import type { BlobOrigin, Content, Image, ImageIndex, Layer, OtherManifest } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { Descriptor } from "../spec/mod.ts";

/** A manifest of any kind. */
export type AnyManifest = Image | ImageIndex | OtherManifest;

/** A start of a transfer. */
export interface Root {
  /** The manifest, or a single blob. */
  readonly view: AnyManifest | Layer;
  /**
   * The names of the manifest in the sink.
   *
   * @default none: the manifest is stored by digest only
   */
  readonly names?: readonly string[];
}

/** A blob to be written to a sink. */
export interface BlobNode {
  /** Distinguishes a blob from a manifest. */
  readonly kind: "blob";
  /** The bytes. */
  readonly content: Content;
  /** The media type. */
  readonly mediaType: string;
  /** The blob's descriptor in a manifest; `undefined` as long as its digest is not known. */
  readonly descriptor: Descriptor | undefined;
  /** Repositories from which the sink may mount the blob, in order of preference. */
  readonly origins: readonly BlobOrigin[];
}

/** A manifest to be written to a sink. */
export interface ManifestNode {
  /** Distinguishes a manifest from a blob. */
  readonly kind: "manifest";
  /** The view of the manifest. */
  readonly view: AnyManifest;
  /** Media type, digest and size of the manifest, with the platform and annotations from its index. */
  readonly descriptor: Descriptor;
  /** The names that the manifest gets; none stores it by digest only. */
  readonly names: readonly string[];
  /** Whether it is a root of the transfer, and not only named by another manifest. */
  readonly isRoot: boolean;
}

/** A blob or a manifest to be written to a sink. */
export type Node = BlobNode | ManifestNode;

/** Options of {@linkcode ContentSink.putBlob} and {@linkcode ContentSink.putManifest}. */
export interface PutOptions extends AbortOptions {
  /**
   * Called with the number of bytes that were sent; a negative number takes back the bytes of a failed attempt. Without
   * it, a sink need not read the bytes itself.
   *
   * @default not counted
   */
  onBytes?: (count: number) => void;
}

/** A sink's state of a manifest. */
export interface FoundManifest {
  /** Whether the sink holds the manifest. */
  readonly there: boolean;
  /** The requested names that do not point at the manifest yet. */
  readonly unnamed: readonly string[];
}

/**
 * A destination of blobs and manifests: a repository, a layout, an archive. A sink only stores; `transfer` decides what
 * is stored, how often and in which order.
 */
export interface ContentSink {
  /** Identifies the sink; sinks with equal ids hold the same content. */
  readonly id: string;
  /**
   * The repository from which other sinks of the registry can mount blobs.
   *
   * @default no other sink can mount from it
   */
  readonly origin?: BlobOrigin;
  /**
   * Whether a manifest in the sink guarantees that its content is there too, as in a registry, which checks that on
   * upload. In other sinks all content is looked up each time.
   */
  readonly vouches: boolean;
  /**
   * Returns whether the sink can store a blob whose digest is not known until it is read. If not, the blob is first
   * kept in a temporary file.
   */
  takesUnidentified(blob: BlobNode): boolean;
  /** Returns whether the sink holds a blob, or does not need it. */
  hasBlob(descriptor: Descriptor, options: AbortOptions): Promise<boolean>;
  /** Returns whether the sink holds a manifest, and which names it lacks. */
  hasManifest(
    descriptor: Descriptor,
    options: AbortOptions & { readonly names: readonly string[] },
  ): Promise<FoundManifest>;
  /**
   * Stores a blob that the sink does not hold. `mounted` means that it was mounted from another repository of the
   * registry.
   */
  putBlob(blob: BlobNode, options: PutOptions): Promise<"done" | "mounted">;
  /** Stores a manifest, whose content is there already, under its names. With `there` only the names are missing. */
  putManifest(node: ManifestNode, options: PutOptions & { readonly there: boolean }): Promise<void>;
  /**
   * Receives all nodes, in order and with their digests, before the first is put: for archives, whose entries need
   * sizes and offsets before any content.
   */
  plan?(nodes: readonly Node[], options: AbortOptions): Promise<void>;
}
