import { NotFoundError } from "../errors.ts";
import { writeStream } from "../graph/internal.ts";
import { type Root, transfer } from "../graph/mod.ts";
import { checkView, REF_NAME_ANNOTATION } from "../image/internal.ts";
import type { Image, ImageIndex, Layer, Matcher, ProgressListener } from "../image/mod.ts";
import { type AbortOptions, listed, verifyStream } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { jsonBytes, sortedJson } from "../spec/internal.ts";
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
import { type LayoutLocation, rootIndex } from "./views.ts";

/** Options of the methods that write content into a layout. */
export interface WriteLayoutOptions extends AbortOptions {
  /**
   * The number of blobs that are written at the same time.
   *
   * @default 4
   */
  concurrency?: number;
  /**
   * Called with the progress of each blob.
   *
   * @default nothing is reported
   */
  onProgress?: ProgressListener;
}

/** Options of the methods that add an image or an index to `index.json`. */
export interface LayoutAppendOptions extends WriteLayoutOptions {
  /**
   * The name of the image in the layout, which other tools call its tag: the annotation
   * `org.opencontainers.image.ref.name`.
   *
   * @default none
   */
  refName?: string;
  /**
   * Additional annotations of the descriptor.
   *
   * @default none
   */
  annotations?: Readonly<Record<string, string>>;
  /**
   * The platform of the descriptor.
   *
   * @default the one it has, if any
   */
  platform?: Platform | string;
}

/** Options of {@linkcode Layout.garbageCollect}. */
export interface LayoutGarbageOptions extends AbortOptions {
  /**
   * Whether to only report the blobs, and remove nothing.
   *
   * @default false
   */
  dryRun?: boolean;
}

/** The result of {@linkcode Layout.garbageCollect}: the blobs that were removed, or would be. */
export interface LayoutGarbage {
  /** The digests of the blobs, in order. */
  readonly removed: readonly Hash[];
  /** The total size of the blobs in bytes. */
  readonly bytes: number;
}

/** Options of {@linkcode Layout.writeBlob}. */
export interface WriteLayoutBlobOptions extends AbortOptions {
  /**
   * The expected number of bytes.
   *
   * @default any
   */
  size?: number;
}

/**
 * An OCI image layout: a directory with blobs and an `index.json` (image-spec, "Image Layout").
 *
 * Every file is written completely or not at all. Changes of `index.json` in this process run one after the other;
 * other processes should not write to the layout at the same time.
 */
export class Layout {
  /** The path of the directory. */
  readonly path: string;
  readonly #place: LayoutLocation;

  /** Creates an instance for a layout at a path; {@linkcode openLayout} checks that it is one. */
  constructor(path: string) {
    this.path = path;
    this.#place = { path, blobs: new BlobFiles(path) };
  }

  /** Returns the index in `index.json`, as it is when the view is first read. */
  index(): ImageIndex {
    return rootIndex(this.#place);
  }

  /**
   * Returns an image that is listed in `index.json`, or in an index in it.
   *
   * @param digest the digest of its manifest; optional if the layout lists one image and nothing else
   * @throws {NotFoundError} if there is no such image.
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
   * Opens a blob; the stream is verified.
   *
   * @throws {NotFoundError} if there is none.
   * @throws {LayoutError} if it is a symbolic link or not a regular file.
   */
  async blob(digest: Hash, options: AbortOptions = {}): Promise<ByteStream> {
    return await this.#place.blobs.open({ digest }, options);
  }

  /** Returns whether a blob has a file. */
  async hasBlob(digest: Hash): Promise<boolean> {
    return await this.#place.blobs.has({ digest });
  }

  /** Writes an image and adds it to the end of `index.json`, unless the same entry is there. */
  async appendImage(image: Image, options: LayoutAppendOptions = {}): Promise<Descriptor> {
    return await this.#append(image, undefined, options);
  }

  /** Writes an index and all its content, and adds it to `index.json` as {@linkcode Layout.appendImage} does. */
  async appendIndex(index: ImageIndex, options: LayoutAppendOptions = {}): Promise<Descriptor> {
    return await this.#append(index, undefined, options);
  }

  /** Writes an image and puts it in `index.json` in place of the entries that match, whose blobs are kept. */
  async replaceImage(image: Image, match: Matcher, options: LayoutAppendOptions = {}): Promise<Descriptor> {
    return await this.#append(image, match, options);
  }

  /** Writes an index and puts it in `index.json` in place of the entries that match, whose blobs are kept. */
  async replaceIndex(index: ImageIndex, match: Matcher, options: LayoutAppendOptions = {}): Promise<Descriptor> {
    return await this.#append(index, match, options);
  }

  /** Adds a descriptor to `index.json`; its content should be written first. */
  async appendDescriptor(descriptor: Descriptor, options: AbortOptions = {}): Promise<void> {
    await updateIndexFile(this.path, (index) => withDescriptor(index, descriptor), options);
  }

  /** Removes the entries that match from `index.json`. Their blobs stay until {@linkcode Layout.garbageCollect}. */
  async removeDescriptors(match: Matcher, options: AbortOptions = {}): Promise<void> {
    await updateIndexFile(this.path, (index) => withoutMatches(index, match), options);
  }

  /**
   * Removes the entries that match from `index.json`, and the blobs that only they needed. No other process may write to
   * the layout meanwhile.
   *
   * @throws {LayoutError} if a manifest can't be read; then nothing is removed.
   */
  async remove(match: Matcher, options: AbortOptions = {}): Promise<LayoutGarbage> {
    const { blobs } = this.#place;
    return await oneAtATime(this.path, async () => {
      const bytes = await readIndexFile(this.path, options);
      const index = parseIndexFile(this.path, bytes);
      const changed = withoutMatches(index, match);
      if (changed === index) return { removed: [], bytes: 0 };
      const before = new Set((await findGarbage(blobs, bytes, options)).map(({ digest }) => digest));
      const after = await findGarbage(blobs, jsonBytes(changed), options);
      const garbage = after.filter(({ digest }) => !before.has(digest));
      await writeIndexFile(this.path, changed, options);
      return await this.#removeGarbage(garbage, options);
    });
  }

  /** Removes a blob, if it exists. */
  async removeBlob(digest: Hash): Promise<void> {
    await this.#place.blobs.remove(digest);
  }

  /** Writes the blobs of an image without an entry in `index.json`. */
  async writeImage(image: Image, options: WriteLayoutOptions = {}): Promise<void> {
    await write(this.#place, [{ view: image }], options);
  }

  /** Writes the blobs of an index and of all its content without an entry in `index.json`. */
  async writeIndex(index: ImageIndex, options: WriteLayoutOptions = {}): Promise<void> {
    await write(this.#place, [{ view: index }], options);
  }

  /** Writes the blob of a layer and returns its descriptor, which for a streaming layer is known only then. */
  async writeLayer(layer: Layer, options: WriteLayoutOptions = {}): Promise<Descriptor> {
    await write(this.#place, [{ view: layer }], options);
    return await layer.descriptor(options);
  }

  /**
   * Writes a blob, unless it exists.
   *
   * @throws {DigestMismatchError} if the bytes have another digest; no file is left.
   */
  async writeBlob(digest: Hash, source: ByteStream, options: WriteLayoutBlobOptions = {}): Promise<void> {
    const { signal, size } = options;
    const { blobs } = this.#place;
    if (await blobs.has({ digest, size })) return await source.cancel();
    const verified = verifyStream(source, { digest, size }, `blob ${digest}`);
    try {
      await blobs.write(async (file) => {
        await writeStream(verified, file, 0, { signal });
        return digest;
      }, { signal });
    } catch (error) {
      if (!verified.locked) verified.cancel(error).catch(() => {});
      throw error;
    }
  }

  /**
   * Removes the blobs that are not reachable from `index.json` through indexes, manifests, configs, layers and
   * subjects. No other process may write to the layout meanwhile.
   *
   * @throws {LayoutError} if a manifest can't be read; then nothing is removed.
   */
  async garbageCollect(options: LayoutGarbageOptions = {}): Promise<LayoutGarbage> {
    const { blobs } = this.#place;
    return await oneAtATime(this.path, async () => {
      const index = await readIndexFile(this.path, options);
      parseIndexFile(this.path, index);
      const garbage = await findGarbage(blobs, index, options);
      return await this.#removeGarbage(garbage, options);
    });
  }

  async #removeGarbage(
    garbage: readonly { readonly digest: Hash; readonly size: number }[],
    { signal, dryRun = false }: LayoutGarbageOptions,
  ): Promise<LayoutGarbage> {
    if (!dryRun) {
      for (const { digest } of garbage) {
        signal?.throwIfAborted();
        await this.#place.blobs.remove(digest);
      }
    }
    return {
      removed: garbage.map(({ digest }) => digest),
      bytes: garbage.reduce((sum, { size }) => sum + size, 0),
    };
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
 * @throws {LayoutError} if the directory is not a layout, or has an unsupported version.
 */
export async function openLayout(path: string, options: AbortOptions = {}): Promise<Layout> {
  await checkLayout(path, options);
  return new Layout(path);
}

/** Creates an empty layout, or opens an existing one. */
export async function createLayout(path: string, options: AbortOptions = {}): Promise<Layout> {
  await initialiseLayout(path, options);
  return await openLayout(path, options);
}

/** Creates a layout with this index as its `index.json`, byte for byte, and writes all its content. */
export async function writeLayout(path: string, index: ImageIndex, options: WriteLayoutOptions = {}): Promise<Layout> {
  checkView(index, "index");
  const layout = await createLayout(path, options);
  const members = await index.members(options);
  await write({ path, blobs: new BlobFiles(path) }, members.map((view) => ({ view })), options);
  const bytes = await index.rawManifest(options);
  await oneAtATime(path, () => writeIndexFile(path, bytes, options), options);
  return layout;
}

async function write(
  { path, blobs }: LayoutLocation,
  roots: readonly Root[],
  options: WriteLayoutOptions,
): Promise<void> {
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
  const text = sortedJson(descriptor);
  if (index.manifests.some((listed) => sortedJson(listed) === text)) return index;
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
  return listed(children.map(({ descriptor }) => `${descriptor.digest} (${descriptor.mediaType})`));
}
