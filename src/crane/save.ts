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
   * A directory that keeps layers between pulls.
   * @default none
   */
  cachePath?: string;
  /**
   * Told when a layer can't be kept in the cache.
   * @default nobody
   */
  onWarning?: (message: string) => void;
}

/** An image; of an index the one for the platform, linux/amd64 by default. Nothing but its manifest is read yet. */
export async function pull(reference: Reference | string, options: PullOptions = {}): Promise<Image> {
  const image = await pullerOf(options).image(referenceOf(reference, options), options);
  const cache = cacheOf(options);
  return cache ? cachedImage(image, cache) : image;
}

/** An image or an index from elsewhere, and what to call it. */
export interface NamedView {
  /** The image or the index. */
  readonly view: Image | ImageIndex;
  /**
   * What to call it: a reference.
   * @default no name
   */
  readonly reference?: string;
}

/** What to save: what a reference names, or something from elsewhere. */
export type PullSource = Reference | string | NamedView;

/** Options of {@linkcode saveTarball}. */
export interface SaveTarballOptions extends PullOptions {
  /**
   * How it is laid out: as `docker save` writes it, or as Docker before 1.10 did.
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

/** The same tarball as a stream. */
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
   * Whether each image is given its reference as its name in the layout.
   * @default false
   */
  annotateRef?: boolean;
}

/**
 * Saves images into an OCI layout, which is made if it is not there. Of an index all images are saved, unless
 * platforms are asked for. What the layout holds already is not read, and an image is listed in it once.
 */
export async function saveLayout(
  sources: readonly PullSource[],
  path: string,
  options: SaveLayoutOptions = {},
): Promise<void> {
  const puller = pullerOf(options);
  const cache = cacheOf(options);
  // Everything is looked up before anything is made, so that a typo leaves no empty layout behind.
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

/** The layout at a path; where there is none, a new one. */
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
