import { type Image, type ImageIndex, matchDigests, matchName } from "../image/mod.ts";
import { createLayout, type Layout, openLayout } from "../layout/mod.ts";
import { LayoutError } from "../errors.ts";
import { cachedImage, cachedIndex, fileCache, type LayerCache } from "../cache/mod.ts";
import type { Reference } from "../name/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { type TarballEntry, type TarballFormat, writeTarball, writeTarballFile } from "../tarball/mod.ts";
import { isIndex } from "../spec/mod.ts";
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
export async function pull(reference: string, options: PullOptions = {}): Promise<Image> {
  const image = await pullerOf(options).image(referenceOf(reference, options), options);
  const cache = cacheOf(options);
  return cache ? cachedImage(image, cache) : image;
}

/** Options of {@linkcode saveTarball}. */
export interface SaveTarballOptions extends PullOptions {
  /**
   * How it is laid out: as `docker save` writes it, or as Docker before 1.10 did.
   * @default "docker"
   */
  format?: TarballFormat;
}

/** Saves images, each by its reference, into one tarball. */
export async function saveTarball(
  references: readonly string[],
  path: string,
  options: SaveTarballOptions = {},
): Promise<void> {
  const { format } = options;
  await writeTarballFile(path, await tarballEntries(references, options), { ...writeOptions(options), format });
}

/** The same tarball as a stream. */
export async function streamTarball(
  references: readonly string[],
  options: SaveTarballOptions = {},
): Promise<ByteStream> {
  const { format } = options;
  return writeTarball(await tarballEntries(references, options), { ...writeOptions(options), format });
}

async function tarballEntries(references: readonly string[], options: PullOptions): Promise<TarballEntry[]> {
  const puller = pullerOf(options);
  const cache = cacheOf(options);
  return await Promise.all(references.map(async (text) => {
    const image = await puller.image(referenceOf(text, options), options);
    return { reference: text, image: cache ? cachedImage(image, cache) : image };
  }));
}

/** Options of {@linkcode saveLayout}. */
export interface SaveLayoutOptions extends PullOptions {
  /**
   * Whether each image is given its reference as its name in the layout.
   * @default false
   */
  annotateRef?: boolean;
}

/**
 * Saves images into an OCI layout, which is made if it is not there. Of an index all images are saved, unless a
 * platform is asked for. What the layout holds already is not read, and an image is listed in it once.
 */
export async function saveLayout(
  references: readonly string[],
  path: string,
  options: SaveLayoutOptions = {},
): Promise<void> {
  const puller = pullerOf(options);
  const cache = cacheOf(options);
  // Everything is looked up before anything is made, so that a typo leaves no empty layout behind.
  const found = await Promise.all(references.map(async (text) => {
    const reference = referenceOf(text, options);
    const manifest = await puller.get(reference, options);
    const whole = isIndex(manifest.descriptor.mediaType) && !options.platform;
    const view = whole ? manifest.index() : await manifest.image(options);
    return { reference, view: cache ? cached(view, cache) : view };
  }));
  const layout = await openOrCreate(path, options);
  for (const { reference, view } of found) await addToLayout(layout, view, { reference, options });
}

async function addToLayout(
  layout: Layout,
  view: Image | ImageIndex,
  { reference, options }: { reference: Reference; options: SaveLayoutOptions },
): Promise<void> {
  const refName = options.annotateRef ? reference.name : undefined;
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
