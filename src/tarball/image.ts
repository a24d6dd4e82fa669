import { GcraneError, TarballError } from "../errors.ts";
import {
  type Content,
  type Image,
  imageFromUncompressed,
  type ImageIndex,
  type Layer,
  layerFromCompressed,
  layerFromUncompressed,
  type OpenContentOptions,
} from "../image/mod.ts";
import {
  type AbortOptions,
  assertReadable,
  decompressLimited,
  drain,
  lazy,
  sniffBytes,
  verifyStream,
} from "../io/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import {
  type Descriptor,
  type Hash,
  hashHexDigits,
  isDistributable,
  layerMediaType,
  MediaType,
  parseConfigFile,
} from "../spec/mod.ts";
import { Archive, type ArchivedFile } from "./archive.ts";
import { chooseImage, hasManifestFile, readManifestFile, type TarballManifest } from "./manifest_file.ts";
import { holdsBlob, isOciArchive, ociArchiveIndex } from "./oci_archive.ts";
import type { TarballSource } from "./source.ts";

/** Options of {@linkcode imageFromTarball}. */
export interface ImageFromTarballOptions extends AbortOptions {
  /**
   * Which image to take: `repository:tag`, in any form that means the same.
   * @default the only one
   */
  tag?: string;
}

/** An image of a tarball and what it is called there. */
export interface TarballImage {
  /** Its names, as they are written in `manifest.json`: `repository:tag`. */
  readonly repoTags: readonly string[];
  /** The image. */
  readonly image: Image;
}

/** Images as `docker save` and {@linkcode writeTarball} write them. */
export interface SavedImages {
  /** The discriminator. */
  readonly kind: "images";
  /** The images of `manifest.json`, in its order. */
  readonly manifests: readonly TarballManifest[];
  /** One of them. @throws {TarballError} when there is no such image, or there are several and no tag is given. */
  image(options?: ImageFromTarballOptions): Promise<Image>;
  /** All of them. Layers that they share are one layer. */
  all(options?: AbortOptions): Promise<TarballImage[]>;
  /** The layout beside the `manifest.json`, which Docker writes since version 25. */
  readonly layout?: LayoutBeside;
}

/** An OCI image layout in a tarball of `docker save`: its index may list more platforms than the tarball holds. */
export interface LayoutBeside {
  /** Its `index.json`. */
  readonly index: ImageIndex;
  /** Returns whether the tarball holds a manifest or a blob. */
  holds(descriptor: Descriptor): boolean;
}

/** An OCI image layout in a tar archive, as `podman save --format oci-archive` and skopeo write it. */
export interface SavedLayout {
  /** The discriminator. */
  readonly kind: "layout";
  /** Its `index.json`. */
  readonly index: ImageIndex;
}

/**
 * What a tarball holds. One that has both a `manifest.json` and an `index.json`, as Docker writes since version 25, is
 * taken by the former, and has the latter as its `layout`.
 *
 * @throws {TarballError} when it is no tarball of images.
 */
export async function tarballContents(
  source: TarballSource,
  options: AbortOptions = {},
): Promise<SavedImages | SavedLayout> {
  const archive = await Archive.open(source, options);
  const index = isOciArchive(archive) ? await ociArchiveIndex(archive, options) : undefined;
  if (index && !hasManifestFile(archive)) return { kind: "layout", index };
  const images = savedImages(archive, await readManifestFile(archive, options));
  const holds = (descriptor: Descriptor) => holdsBlob(archive, descriptor);
  return index ? { ...images, layout: { index, holds } } : images;
}

/**
 * An image of a tarball that `docker save`, `podman save`, `skopeo` or {@linkcode writeTarball} made.
 *
 * Its manifest, which tarballs don't have, is Docker's schema 2. Layers that are stored compressed keep their bytes;
 * others are compressed with gzip when their digest or their bytes are requested.
 *
 * @throws {TarballError} when it is no such tarball, parts of it are missing, or there is no such image.
 */
export async function imageFromTarball(source: TarballSource, options: ImageFromTarballOptions = {}): Promise<Image> {
  return await (await imagesOf(source, options)).image(options);
}

/** All images of a tarball, in its order. Layers that they share are one layer. */
export async function tarballImages(source: TarballSource, options: AbortOptions = {}): Promise<TarballImage[]> {
  return await (await imagesOf(source, options)).all(options);
}

/** Reads `manifest.json` of a tarball, without the images. */
export async function loadManifest(source: TarballSource, options: AbortOptions = {}): Promise<TarballManifest[]> {
  return await readManifestFile(await Archive.open(source, options), options);
}

async function imagesOf(source: TarballSource, options: AbortOptions): Promise<SavedImages> {
  const archive = await Archive.open(source, options);
  return savedImages(archive, await readManifestFile(archive, options));
}

function savedImages(archive: Archive, manifests: readonly TarballManifest[]): SavedImages {
  const reader = new ImageReader(archive);
  return {
    kind: "images",
    manifests,
    image: async (options = {}) => await reader.image(chooseImage(manifests, options.tag, archive.name), options),
    async all(options = {}) {
      const images: TarballImage[] = [];
      for (const manifest of manifests) {
        images.push({ repoTags: manifest.repoTags, image: await reader.image(manifest, options) });
      }
      return images;
    },
  };
}

/** Makes images of what is in an archive. */
class ImageReader {
  readonly #archive: Archive;
  readonly #layers = new Map<string, Layer>();

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  async image(manifest: TarballManifest, options: AbortOptions): Promise<Image> {
    const archive = this.#archive;
    const what = manifest.repoTags[0] ? `${manifest.repoTags[0]} in ${archive.name}` : archive.name;
    const config = await archive.bytes(archive.file(manifest.config), options);
    const diffIds = this.#diffIds(config, manifest, what);
    const layers = manifest.layers.map((path, index) => this.#layer(path, diffIds[index], manifest));
    return imageFromUncompressed({
      rawConfigFile: () => Promise.resolve(config),
      layers: () => Promise.resolve(layers),
      mediaType: MediaType.DockerManifestSchema2,
      what,
    });
  }

  #diffIds(config: Bytes, { layers }: TarballManifest, what: string): readonly Hash[] {
    let diffIds: readonly Hash[];
    try {
      diffIds = parseConfigFile(config, `config of ${what}`).rootfs.diff_ids;
    } catch (cause) {
      if (cause instanceof GcraneError) throw new TarballError(cause.message, { cause });
      throw cause;
    }
    if (diffIds.length === layers.length) return diffIds;
    throw new TarballError(
      `${what} has ${layers.length} layers, but its config has ${diffIds.length} diff ids`,
      { hint: "the tarball is damaged, or its config is not that of an image to run" },
    );
  }

  #layer(path: string, diffId: Hash, { layerSources }: TarballManifest): Layer {
    const source = layerSources.get(diffId);
    if (source && !isDistributable(source.mediaType)) return this.#foreignLayer(path, diffId, source);
    const file = this.#archive.file(path);
    const key = `${file.path} ${diffId}`;
    const layer = this.#layers.get(key) ?? this.#ownLayer(file, diffId);
    this.#layers.set(key, layer);
    return layer;
  }

  #ownLayer(file: ArchivedFile, diffId: Hash): Layer {
    const archive = this.#archive;
    const what = `${file.path} in ${archive.name}`;
    const compression = sniffBytes(file.head);
    assertReadable(compression, what);
    const mediaType = layerMediaType(MediaType.DockerManifestSchema2, compression === "none" ? "gzip" : compression);
    const open = (options?: OpenContentOptions) => archive.open(file, options);
    if (compression === "none") {
      return layerFromUncompressed({
        uncompressed: async (options) => verifyStream(await open(options), { digest: diffId, size: file.size }, what),
        diffId: () => Promise.resolve(diffId),
        mediaType,
      });
    }
    // What is compressed already is stored as it is; only its digest is not known before it was read.
    const place = archive.placeOf(file);
    const measure = place && (() => archive.measure(file));
    const stored = layerFromUncompressed({ uncompressed: open, compression: "none", mediaType, measure });
    const uncompressed = async (options?: AbortOptions) =>
      verifyStream(
        decompressLimited(await stored.compressed(options), compression, { what, size: file.size }),
        { digest: diffId },
        what,
      );
    const digest = lazy(async () => {
      const found = await stored.digest();
      // Most tools name a layer by its digest, which finds a damaged one without reading it again.
      if (!isNamedBy(file.path, found, diffId)) await drain(await uncompressed());
      return found;
    });
    const descriptor = async (options?: AbortOptions) => {
      await digest(options);
      return await stored.descriptor(options);
    };
    const content: Content = {
      get identity() {
        return stored.content.identity;
      },
      once: false,
      origins: [],
      // From its start it is hashed on the way.
      open: (options = {}) => options.offset ? open(options) : stored.content.open(options),
      measure: place && (async (options) => {
        await stored.digest(options);
        return stored.content.identity!;
      }),
      place,
    };
    return { ...stored, content, diffId: () => Promise.resolve(diffId), uncompressed, digest, descriptor };
  }

  /** Makes a layer that may be missing from the archive: then it fails when it is read, not before. */
  #foreignLayer(path: string, diffId: Hash, descriptor: Descriptor): Layer {
    const found = this.#archive.find(path);
    const compressed = async (options?: OpenContentOptions): Promise<ByteStream> => {
      const file = this.#archive.file(path);
      if (file.size === descriptor.size) return await this.#archive.open(file, options);
      throw new TarballError(
        `${this.#archive.name} does not hold the layer ${descriptor.digest} as it is distributed`,
        {
          hint: descriptor.urls?.length ? `it is to be had from ${descriptor.urls[0]}` : undefined,
        },
      );
    };
    return layerFromCompressed({
      descriptor,
      compressed,
      ranges: true,
      place: found?.size === descriptor.size ? this.#archive.placeOf(found) : undefined,
      diffId: () => Promise.resolve(diffId),
    });
  }
}

/** Returns whether a path contains one of the digests, or none at all. */
function isNamedBy(path: string, ...digests: Hash[]): boolean {
  const found = /(?:^|\/)([0-9a-f]{64}|[0-9a-f]{128})(?:\.tar)?(?:\.gz|\.zst)?$/.exec(path)?.[1];
  return found === undefined || digests.some((digest) => hashHexDigits(digest) === found);
}
