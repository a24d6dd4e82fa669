import type { AbortOptions } from "../io/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import type { Content } from "./content.ts";
import type { ConfigFile, Descriptor, Hash, IndexManifest, Manifest } from "../spec/mod.ts";

/**
 * An immutable view of one layer, or of any other blob. Nothing is read before a member is called; each result is
 * computed once, except that {@linkcode Layer.compressed} and {@linkcode Layer.uncompressed} open a fresh stream each
 * time.
 */
export interface Layer {
  /** The discriminator. */
  readonly kind: "layer";
  /** The bytes as they are stored and sent; views of one layer share this object. */
  readonly content: Content;
  /** Metadata of its descriptor, as far as it is known without reading (and compressing) the layer. */
  readonly annotations: Descriptor["annotations"];
  /** Whether digest and size are known now, or could be only by reading (and compressing) all of it. */
  digestKnown(): boolean;
  /** The digest of the bytes as they are stored and sent. */
  digest(options?: AbortOptions): Promise<Hash>;
  /** The digest of the uncompressed tar. */
  diffId(options?: AbortOptions): Promise<Hash>;
  /** The number of bytes as they are stored and sent. */
  size(options?: AbortOptions): Promise<number>;
  /** The media type. */
  mediaType(options?: AbortOptions): Promise<string>;
  /** The descriptor in a manifest: media type, digest, size, URLs, annotations. */
  descriptor(options?: AbortOptions): Promise<Descriptor>;
  /** The bytes as they are stored and sent, verified on the way: the stream fails before it closes. */
  compressed(options?: AbortOptions): Promise<ByteStream>;
  /** The uncompressed tar. What it is made of is verified on the way. */
  uncompressed(options?: AbortOptions): Promise<ByteStream>;
}

/** What images and indexes have in common: a manifest. */
export interface ManifestView {
  /** The media type of the manifest. */
  mediaType(options?: AbortOptions): Promise<string>;
  /** Whether the digest is known, or could be only by reading (and compressing) layers. */
  digestKnown(options?: AbortOptions): Promise<boolean>;
  /** The digest of the manifest's bytes. */
  digest(options?: AbortOptions): Promise<Hash>;
  /** The number of the manifest's bytes. */
  size(options?: AbortOptions): Promise<number>;
  /** The bytes of the manifest, as they were found or will be sent. */
  rawManifest(options?: AbortOptions): Promise<Bytes>;
  /** The descriptor in an index, with platform and annotations if the view comes from one. */
  descriptor(options?: AbortOptions): Promise<Descriptor>;
}

/** An immutable view of an image: a manifest, a config and layers. Nothing is read before a member is called. */
export interface Image extends ManifestView {
  /** The discriminator. */
  readonly kind: "image";
  /** The manifest. */
  manifest(options?: AbortOptions): Promise<Manifest>;
  /**
   * The manifest without reading (and compressing) layers, where that is possible: its config and its layers may be out
   * of date.
   */
  outline(options?: AbortOptions): Promise<Manifest>;
  /** The digest of the config file, which Docker calls the image's ID. */
  configName(options?: AbortOptions): Promise<Hash>;
  /** The bytes of the config file. */
  rawConfigFile(options?: AbortOptions): Promise<Bytes>;
  /** The config file. */
  configFile(options?: AbortOptions): Promise<ConfigFile>;
  /** The config file as a blob, to be stored like a layer. */
  configLayer(options?: AbortOptions): Promise<Layer>;
  /** The layers, the bottom one first. */
  layers(options?: AbortOptions): Promise<readonly Layer[]>;
  /** The layer, or the config, with this digest. @throws {NotFoundError} when there is none. */
  layerByDigest(digest: Hash, options?: AbortOptions): Promise<Layer>;
  /** The first layer with this diff id. @throws {NotFoundError} when there is none. */
  layerByDiffId(diffId: Hash, options?: AbortOptions): Promise<Layer>;
}

/**
 * An immutable view of a manifest that is neither an image nor an index: Docker's schema 1, OCI's artifact manifest, or
 * one of an unknown type. It can be copied as it is, and not changed.
 */
export interface OtherManifest extends ManifestView {
  /** The discriminator. */
  readonly kind: "manifest";
  /** The blobs that it names, each digest once. */
  blobs(options?: AbortOptions): Promise<readonly Layer[]>;
}

/** A member of an index: an image, an index, another manifest, or content of another type, as a blob. */
export type IndexChild =
  | { readonly descriptor: Descriptor; readonly view: Image }
  | { readonly descriptor: Descriptor; readonly view: ImageIndex }
  | { readonly descriptor: Descriptor; readonly view: OtherManifest }
  | { readonly descriptor: Descriptor; readonly view: Layer };

/** An immutable view of an image index (a manifest list). Nothing is read before a member is called. */
export interface ImageIndex extends ManifestView {
  /** The discriminator. */
  readonly kind: "index";
  /** The index manifest. */
  manifest(options?: AbortOptions): Promise<IndexManifest>;
  /**
   * The members themselves, in order, without their descriptors. For those, {@linkcode ImageIndex.children} may
   * have to read all their layers; what stores members before the index reads them once. A member of an unknown type is
   * looked for as a blob and, where its source has no such blob, as a manifest.
   */
  members(options?: AbortOptions): Promise<readonly IndexChild["view"][]>;
  /** The members, in order. */
  children(options?: AbortOptions): Promise<readonly IndexChild[]>;
  /** The member image with this digest. @throws {NotFoundError} when there is none. */
  image(digest: Hash, options?: AbortOptions): Promise<Image>;
  /** The member index with this digest. @throws {NotFoundError} when there is none. */
  index(digest: Hash, options?: AbortOptions): Promise<ImageIndex>;
}
