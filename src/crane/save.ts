import { type Image, type ImageIndex, matchDigests, matchName } from "../image/mod.ts";
import { createLayout, type Layout, openLayout } from "../layout/mod.ts";
import { LayoutError } from "../errors.ts";
import { cachedImage, cachedIndex, fileCache, type LayerCache } from "../cache/mod.ts";
import type { Reference } from "../name/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { type TarballEntry, type TarballFormat, writeTarball, writeTarballFile } from "../tarball/mod.ts";
import { ofPlatforms, openImage, type PlatformsOptions } from "../source/mod.ts";
import { type CraneOptions, pullerOf, referenceOf } from "./options.ts";

/** Options of {@linkcode pull}. */
export interface PullOptions extends CraneOptions {
  /**
   * A directory in which layers are cached.
   *
   * @default none
   */
  cachePath?: string;
  /**
   * Called if a layer can't be kept in the cache.
   *
   * @default not called
   */
  onWarning?: (message: string) => void;
}

/** Opens an image; of an index the one for the platform, linux/amd64 by default. Reads only its manifest. */
export async function pull(reference: Reference | string, options: PullOptions = {}): Promise<Image> {
  const image = await pullerOf(options).image(referenceOf(reference, options), options);
  const cache = cacheOf(options);
  return cache ? cachedImage(image, cache) : image;
}

/** An image or an index with an optional name. */
export interface NamedView {
  /** The image or the index. */
  readonly view: Image | ImageIndex;
  /**
   * The reference to use as its name.
   *
   * @default no name
   */
  readonly reference?: string;
}

/** An image or index to save: a reference, or a view. */
export type PullSource = Reference | string | NamedView;

/** Options of {@linkcode saveTarball}. */
export interface SaveTarballOptions extends PullOptions {
  /**
   * The format of the tarball: that of `docker save`, or that of Docker before 1.10.
   *
   * @default "docker"
   */
  format?: TarballFormat;
}

/** Saves images into one tarball. */
export async function saveTarball(
  sources: readonly PullSource[],
  path: string,
  options: SaveTarballOptions = {},
): Promise<void> {
  const { format } = options;
  await writeTarballFile(path, await tarballEntries(sources, options), { ...writeOptions(options), format });
}

/** Returns the same tarball as a stream. */
export async function streamTarball(
  sources: readonly PullSource[],
  options: SaveTarballOptions = {},
): Promise<ByteStream> {
  const { format } = options;
  return writeTarball(await tarballEntries(sources, options), { ...writeOptions(options), format });
}

async function tarballEntries(sources: readonly PullSource[], options: PullOptions): Promise<TarballEntry[]> {
  const puller = pullerOf(options);
  const cache = cacheOf(options);
  return await Promise.all(sources.map(async (source) => {
    if (isNamedView(source)) {
      return { reference: source.reference, image: await openImage(source.view, options) };
    }
    const image = await puller.image(referenceOf(source, options), options);
    return { reference: `${source}`, image: cache ? cachedImage(image, cache) : image };
  }));
}

function isNamedView(source: PullSource): source is NamedView {
  return typeof source === "object" && source !== null && "view" in source;
}

/** Options of {@linkcode saveLayout}. */
export interface SaveLayoutOptions extends PullOptions, PlatformsOptions {
  /**
   * Whether to store the reference of each image as its name in the layout.
   *
   * @default false
   */
  annotateRef?: boolean;
}

/**
 * Saves images into an OCI layout, which is created if it does not exist. Saves all images of an index unless platforms
 * are given. Does not read what the layout holds, and lists an image in it once.
 */
export async function saveLayout(
  sources: readonly PullSource[],
  path: string,
  options: SaveLayoutOptions = {},
): Promise<void> {
  const puller = pullerOf(options);
  const cache = cacheOf(options);
  // Finds everything before it creates anything, so that a wrong name leaves no empty layout behind.
  const found = await Promise.all(sources.map(async (source) => {
    if (isNamedView(source)) {
      return { name: source.reference, view: await ofPlatforms(source.view, options) };
    }
    const reference = referenceOf(source, options);
    const view = await ofPlatforms((await puller.get(reference, options)).view(), options);
    return { name: reference.name, view: cache ? cached(view, cache) : view };
  }));
  const layout = await openOrCreate(path, options);
  for (const { name, view } of found) await addToLayout(layout, view, { name, options });
}

async function addToLayout(
  layout: Layout,
  view: Image | ImageIndex,
  { name, options }: { name: string | undefined; options: SaveLayoutOptions },
): Promise<void> {
  const refName = options.annotateRef ? name : undefined;
  const match = refName === undefined ? matchDigests(await view.digest(options)) : matchName(refName);
  const append = { ...writeOptions(options), refName };
  if (view.kind === "index") await layout.replaceIndex(view, match, append);
  else await layout.replaceImage(view, match, append);
}

/** Opens the layout at a path, or creates one. */
export async function openOrCreate(path: string, options: CraneOptions): Promise<Layout> {
  try {
    return await openLayout(path, options);
  } catch (error) {
    if (!(error instanceof LayoutError)) throw error;
    return await createLayout(path, options);
  }
}

function cacheOf({ cachePath, onWarning }: PullOptions): LayerCache | undefined {
  return cachePath === undefined ? undefined : fileCache(cachePath, { onWarning });
}

function cached(view: Image | ImageIndex, cache: LayerCache): Image | ImageIndex {
  return view.kind === "index" ? cachedIndex(view, cache) : cachedImage(view, cache);
}

function writeOptions(options: CraneOptions): Pick<CraneOptions, "signal" | "onProgress"> & { concurrency?: number } {
  return { signal: options.signal, onProgress: options.onProgress, concurrency: options.jobs };
}
