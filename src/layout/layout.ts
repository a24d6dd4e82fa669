import { NotFoundError } from "../errors.ts";
import { type Root, transfer } from "../graph/mod.ts";
import {
  checkView,
  type Image,
  type ImageIndex,
  type Layer,
  type Matcher,
  type ProgressListener,
  REF_NAME_ANNOTATION,
} from "../image/mod.ts";
import { type AbortOptions, verifyStream } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { type Descriptor, type Hash, type IndexManifest, parsePlatform, type Platform } from "../spec/mod.ts";
import { BlobFiles } from "./blob_files.ts";
import { findGarbage } from "./garbage.ts";
import {
  checkLayout,
  initialiseLayout,
  oneAtATime,
  parseIndexFile,
  readIndexFile,
  updateIndexFile,
  writeIndexFile,
} from "./index_file.ts";
import { LayoutSink } from "./sink.ts";
import { type LayoutPlace, rootIndex } from "./views.ts";

/** Options of what writes content into a layout. */
export interface WriteLayoutOptions extends AbortOptions {
  /**
   * How many blobs are written at the same time.
   * @default 4
   */
  concurrency?: number;
  /**
   * Is called with how far each blob is.
   * @default nothing is reported
   */
  onProgress?: ProgressListener;
}

/** Options of what lists an image or an index in `index.json`. */
export interface LayoutAppendOptions extends WriteLayoutOptions {
  /**
   * The name of the image in the layout, which other tools call its tag: the annotation
   * `org.opencontainers.image.ref.name`.
   * @default none
   */
  refName?: string;
  /**
   * Annotations for the descriptor, besides those it has.
   * @default none
   */
  annotations?: Readonly<Record<string, string>>;
  /**
   * The platform for the descriptor.
   * @default the one it has, if any
   */
  platform?: Platform | string;
}

/** Options of {@linkcode Layout.garbageCollect}. */
export interface LayoutGarbageOptions extends AbortOptions {
  /**
   * Says what would be removed, and removes nothing.
   * @default false
   */
  dryRun?: boolean;
}

/** What {@linkcode Layout.garbageCollect} removed, or would remove. */
export interface LayoutGarbage {
  /** The digests of the blobs, in order. */
  readonly removed: readonly Hash[];
  /** The number of their bytes. */
  readonly bytes: number;
}

/** Options of {@linkcode Layout.writeBlob}. */
export interface WriteLayoutBlobOptions extends AbortOptions {
  /**
   * The number of bytes that there must be.
   * @default any
   */
  size?: number;
}

/**
 * An OCI image layout: a directory with blobs and an `index.json` (image-spec, "Image Layout").
 *
 * Everything that is written appears whole or not at all. Changes of `index.json` by this process wait for one another;
 * other processes should not write to the layout at the same time.
 */
export class Layout {
  /** The path of the directory. */
  readonly path: string;
  readonly #place: LayoutPlace;

  /** Takes the path of a layout; {@linkcode openLayout} checks that it is one. */
  constructor(path: string) {
    this.path = path;
    this.#place = { path, blobs: new BlobFiles(path) };
  }

  /** What `index.json` lists, as it is when the view is first read. */
  index(): ImageIndex {
    return rootIndex(this.#place);
  }

  /**
   * An image that `index.json`, or an index in it, lists.
   *
   * @param digest the digest of its manifest; may be left out when the layout lists a single image and nothing else
   * @throws {NotFoundError} when there is no such image.
   */
  async image(digest?: Hash, options: AbortOptions = {}): Promise<Image> {
    const root = this.index();
    if (digest !== undefined) {
      const found = await findImage(root, digest, options);
      if (found) return found;
      throw new NotFoundError(`the layout ${this.path} lists no image ${digest}`);
    }
    const children = await root.children(options);
    if (children.length === 1 && children[0].view.kind === "image") return children[0].view;
    throw new NotFoundError(`the layout ${this.path} does not list one image but ${listOf(children)}`, {
      hint: "say which by its digest",
    });
  }

  /**
   * The bytes of a blob; the stream is verified.
   *
   * @throws {NotFoundError} when there is none.
   * @throws {LayoutError} when it is a symbolic link or anything else but a file.
   */
  async blob(digest: Hash, options: AbortOptions = {}): Promise<ByteStream> {
    return await this.#place.blobs.open({ digest }, options);
  }

  /** Whether there is a file for a blob. */
  async hasBlob(digest: Hash): Promise<boolean> {
    return await this.#place.blobs.has({ digest });
  }

  /** Writes an image and lists it in `index.json`, behind what is there. Listed just so already, it is not repeated. */
  async appendImage(image: Image, options: LayoutAppendOptions = {}): Promise<Descriptor> {
    return await this.#append(image, undefined, options);
  }

  /** Writes an index with everything in it and lists it in `index.json`, as {@linkcode Layout.appendImage} does. */
  async appendIndex(index: ImageIndex, options: LayoutAppendOptions = {}): Promise<Descriptor> {
    return await this.#append(index, undefined, options);
  }

  /** Writes an image and lists it in `index.json` instead of what matches. The blobs of that stay. */
  async replaceImage(image: Image, match: Matcher, options: LayoutAppendOptions = {}): Promise<Descriptor> {
    return await this.#append(image, match, options);
  }

  /** Writes an index and lists it in `index.json` instead of what matches. The blobs of that stay. */
  async replaceIndex(index: ImageIndex, match: Matcher, options: LayoutAppendOptions = {}): Promise<Descriptor> {
    return await this.#append(index, match, options);
  }

  /** Lists a descriptor in `index.json`; what it points at should be written first. */
  async appendDescriptor(descriptor: Descriptor, options: AbortOptions = {}): Promise<void> {
    await updateIndexFile(this.path, (index) => withDescriptor(index, descriptor), options);
  }

  /** Takes what matches off `index.json`. Its blobs stay until {@linkcode Layout.garbageCollect}. */
  async removeDescriptors(match: Matcher, options: AbortOptions = {}): Promise<void> {
    await updateIndexFile(this.path, (index) => withoutMatches(index, match), options);
  }

  /** Writes an image's blobs, and lists it nowhere. */
  async writeImage(image: Image, options: WriteLayoutOptions = {}): Promise<void> {
    await write(this.#place, [{ view: image }], options);
  }

  /** Writes the blobs of an index and of everything in it, and lists it nowhere. */
  async writeIndex(index: ImageIndex, options: WriteLayoutOptions = {}): Promise<void> {
    await write(this.#place, [{ view: index }], options);
  }

  /** Writes the blob of a layer, and says what it is: for a layer that is a stream, this is when that is known. */
  async writeLayer(layer: Layer, options: WriteLayoutOptions = {}): Promise<Descriptor> {
    await write(this.#place, [{ view: layer }], options);
    return await layer.descriptor(options);
  }

  /**
   * Writes a blob, unless it is there.
   *
   * @throws {DigestMismatchError} when the bytes have another digest; nothing is left of them.
   */
  async writeBlob(digest: Hash, source: ByteStream, options: WriteLayoutBlobOptions = {}): Promise<void> {
    const { signal, size } = options;
    const { blobs } = this.#place;
    if (await blobs.has({ digest, size })) return await source.cancel();
    let written = 0;
    await blobs.write(verifyStream(source, { digest, size }, `blob ${digest}`), {
      signal,
      onBytes: (bytes) => written += bytes,
      identify: () => Promise.resolve({ digest, size: written }),
    });
  }

  /**
   * Removes the blobs that nothing in `index.json` leads to: by way of indexes, manifests, configs, layers and subjects.
   * Nothing may be written to the layout meanwhile.
   *
   * @throws {LayoutError} when a manifest can't be read: nothing is removed then.
   */
  async garbageCollect(options: LayoutGarbageOptions = {}): Promise<LayoutGarbage> {
    const { blobs } = this.#place;
    return await oneAtATime(this.path, async () => {
      const index = await readIndexFile(this.path, options);
      parseIndexFile(this.path, index);
      const garbage = await findGarbage(blobs, index, options);
      if (!options.dryRun) {
        for (const { digest } of garbage) {
          options.signal?.throwIfAborted();
          await blobs.remove(digest);
        }
      }
      return {
        removed: garbage.map(({ digest }) => digest),
        bytes: garbage.reduce((sum, { size }) => sum + size, 0),
      };
    });
  }

  async #append(
    view: Image | ImageIndex,
    match: Matcher | undefined,
    options: LayoutAppendOptions,
  ): Promise<Descriptor> {
    await write(this.#place, [{ view }], options);
    const descriptor = describe(await view.descriptor(options), options);
    await updateIndexFile(
      this.path,
      (index) => withDescriptor(match ? withoutMatches(index, match) : index, descriptor),
      options,
    );
    return descriptor;
  }
}

/**
 * Opens a layout.
 *
 * @throws {LayoutError} when the directory is no layout, or of a version that is not understood.
 */
export async function openLayout(path: string, options: AbortOptions = {}): Promise<Layout> {
  await checkLayout(path, options);
  return new Layout(path);
}

/** Makes a layout that lists nothing, or opens the one that is there. */
export async function createLayout(path: string, options: AbortOptions = {}): Promise<Layout> {
  await initialiseLayout(path, options);
  return await openLayout(path, options);
}

/** Makes a layout whose `index.json` is this index, byte for byte, and writes everything in it. */
export async function writeLayout(path: string, index: ImageIndex, options: WriteLayoutOptions = {}): Promise<Layout> {
  checkView(index, "index");
  const layout = await createLayout(path, options);
  const members = await index.members(options);
  await write({ path, blobs: new BlobFiles(path) }, members.map((view) => ({ view })), options);
  const bytes = await index.rawManifest(options);
  await oneAtATime(path, () => writeIndexFile(path, bytes, options), options);
  return layout;
}

async function write({ path, blobs }: LayoutPlace, roots: readonly Root[], options: WriteLayoutOptions): Promise<void> {
  const { concurrency: jobs, onProgress, signal } = options;
  await transfer(roots, new LayoutSink(path, blobs), { jobs, onProgress, signal });
}

function describe(descriptor: Descriptor, options: LayoutAppendOptions): Descriptor {
  const { refName, platform } = options;
  const annotations = {
    ...descriptor.annotations,
    ...options.annotations,
    ...(refName === undefined ? {} : { [REF_NAME_ANNOTATION]: refName }),
  };
  return {
    ...descriptor,
    ...(platform ? { platform: parsePlatform(platform) } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

function withDescriptor(index: IndexManifest, descriptor: Descriptor): IndexManifest {
  const text = JSON.stringify(descriptor);
  if (index.manifests.some((listed) => JSON.stringify(listed) === text)) return index;
  return { ...index, manifests: [...index.manifests, descriptor] };
}

function withoutMatches(index: IndexManifest, match: Matcher): IndexManifest {
  const manifests = index.manifests.filter((descriptor) => !match(descriptor));
  return manifests.length === index.manifests.length ? index : { ...index, manifests };
}

async function findImage(index: ImageIndex, digest: Hash, options: AbortOptions): Promise<Image | undefined> {
  const children = await index.children(options);
  const own = children.find(({ descriptor, view }) => view.kind === "image" && descriptor.digest === digest);
  if (own?.view.kind === "image") return own.view;
  for (const { view } of children) {
    const found = view.kind === "index" ? await findImage(view, digest, options) : undefined;
    if (found) return found;
  }
  return undefined;
}

function listOf(children: readonly { readonly descriptor: Descriptor }[]): string {
  if (children.length === 0) return "nothing";
  return children.map(({ descriptor }) => `${descriptor.digest} (${descriptor.mediaType})`).join(", ");
}
