import type { BlobOrigin, Content, Image, ImageIndex, Layer, OtherManifest } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { Descriptor } from "../spec/mod.ts";

/** A manifest of any kind. */
export type AnyManifest = Image | ImageIndex | OtherManifest;

/** What a transfer starts from. */
export interface Root {
  /** The manifest, or a blob alone. */
  readonly view: AnyManifest | Layer;
  /**
   * The names that the manifest gets in the sink.
   * @default none: it is stored under its digest alone
   */
  readonly names?: readonly string[];
}

/** A blob on its way to a sink. */
export interface BlobNode {
  /** Tells a blob from a manifest. */
  readonly kind: "blob";
  /** The bytes. */
  readonly content: Content;
  /** The media type. */
  readonly mediaType: string;
  /** What a manifest says of the blob; `undefined` while its digest is not known. */
  readonly descriptor: Descriptor | undefined;
  /** Repositories from which the sink may mount the blob, the likeliest first. */
  readonly origins: readonly BlobOrigin[];
}

/** A manifest on its way to a sink. */
export interface ManifestNode {
  /** Tells a manifest from a blob. */
  readonly kind: "manifest";
  /** The view of the manifest. */
  readonly view: AnyManifest;
  /** Media type, digest and size of the manifest, with the platform and annotations that its index gives it. */
  readonly descriptor: Descriptor;
  /** The names that it is to get; none: it is stored under its digest alone. */
  readonly names: readonly string[];
  /** Whether the transfer starts from it; else another manifest names it. */
  readonly isRoot: boolean;
}

/** A blob or a manifest on its way to a sink. */
export type Node = BlobNode | ManifestNode;

/** Options of {@linkcode ContentSink.putBlob} and {@linkcode ContentSink.putManifest}. */
export interface PutOptions extends AbortOptions {
  /**
   * Is called with the number of bytes that went; a negative number takes back what a failed try had reported. Where it
   * is absent, a sink need not look at the bytes.
   * @default not counted
   */
  onBytes?: (count: number) => void;
}

/** What a sink holds of a manifest. */
export interface FoundManifest {
  /** Whether the sink holds the manifest. */
  readonly there: boolean;
  /** The names, of those asked for, that do not lead to it yet. */
  readonly unnamed: readonly string[];
}

/**
 * A place that blobs and manifests are written to: a repository, a layout, an archive. A sink stores; what is stored,
 * how often and in which order is decided by `transfer`.
 */
export interface ContentSink {
  /** What tells the sink from others; sinks with equal ids hold the same content. */
  readonly id: string;
  /**
   * What the sink is to other sinks of its registry, which can mount blobs from it.
   * @default no other sink can
   */
  readonly origin?: BlobOrigin;
  /**
   * Whether a manifest that the sink holds vouches for all that it names, as in a registry, which checks that. In other
   * sinks all is looked for each time.
   */
  readonly vouches: boolean;
  /**
   * Returns whether the sink stores a blob without a digest as it is read. If not, the blob is kept in a temporary file
   * first, so that its digest is known.
   */
  takesUnidentified(blob: BlobNode): boolean;
  /** Returns whether the sink holds a blob, or needs none of it. */
  hasBlob(descriptor: Descriptor, options: AbortOptions): Promise<boolean>;
  /** Returns whether the sink holds a manifest, and which names it has yet to get. */
  hasManifest(
    descriptor: Descriptor,
    options: AbortOptions & { readonly names: readonly string[] },
  ): Promise<FoundManifest>;
  /** Stores a blob that the sink does not hold. `mounted`: it came from another repository of the registry. */
  putBlob(blob: BlobNode, options: PutOptions): Promise<"done" | "mounted">;
  /** Stores a manifest, whose content is there, under its names. `there`: only names are missing. */
  putManifest(node: ManifestNode, options: PutOptions & { readonly there: boolean }): Promise<void>;
  /**
   * Learns of all nodes, in order and with their digests, before the first is put: for archives, whose files need size
   * and place before any content.
   */
  plan?(nodes: readonly Node[], options: AbortOptions): Promise<void>;
}
