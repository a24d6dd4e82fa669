import { LayoutError, TarballError } from "../errors.ts";
import { REF_NAME_ANNOTATION } from "../image/internal.ts";
import { emptyIndex, type Image, type ImageIndex, type IndexChild, matchPlatforms } from "../image/mod.ts";
import { type AbortOptions, fileFailure, listed } from "../io/mod.ts";
import { fullName } from "../name/internal.ts";
import { stat } from "../runtime/mod.ts";
import { type Descriptor, type Hash, isDistributable, platformString } from "../spec/mod.ts";
import type { LayoutBeside, SavedImages, TarballSource } from "../tarball/mod.ts";
import { ofPlatforms, type PlatformsOptions, wantedPlatforms } from "./platforms.ts";

/** Options of {@linkcode load}. */
export interface LoadOptions extends PlatformsOptions {
  /**
   * The name of one image of several: `repository:tag`.
   *
   * @default the only one
   */
  tag?: string;
  /**
   * Whether to return all images as an index, even if there is only one.
   *
   * @default false
   */
  index?: boolean;
  /**
   * The result for several images without a given name: an error, or an index of them.
   *
   * @default "error"
   */
  several?: "error" | "index";
}

/**
 * Loads an image or an index from a path or a tarball: from an OCI layout, which may be in a tar archive, or from a
 * tarball of `docker save` or `podman save`. Of a tarball that has both, as Docker writes them, the layout's index of
 * several platforms counts as far as the tarball holds what is asked for; else its `manifest.json` does.
 *
 * @throws {LayoutError | TarballError} if there are several and no option chooses one.
 * @throws {FileError} if the path does not exist or can't be read.
 */
export async function load(from: string | TarballSource, options: LoadOptions = {}): Promise<Image | ImageIndex> {
  // Layouts, archives and mutations are loaded when they are needed: many programs name images in registries alone.
  if (typeof from === "string" && await isDirectory(from)) {
    const { openLayout } = await import("../layout/mod.ts");
    const index = (await openLayout(from, options)).index();
    return await fromLayout(index, { what: `the layout ${from}`, options });
  }
  const { tarballContents, tarballFile } = await import("../tarball/mod.ts");
  const source = typeof from === "string" ? tarballFile(from) : from;
  const contents = await tarballContents(source, options);
  if (contents.kind === "images") {
    const { layout } = contents;
    const listed = layout && await fromLayoutBeside(layout, { what: source.name, options });
    return listed ?? await fromImages(contents, options);
  }
  return await fromLayout(contents.index, { what: source.name, options });
}

/** An image or an index with its names. */
export interface LoadedImage {
  /** The names, as the file has them: `repository:tag`, or a tag alone; none if it has no name. */
  readonly names: readonly string[];
  /** The image or the index. */
  readonly view: Image | ImageIndex;
}

/**
 * Loads every image and index from a path or a tarball, in order, with their names. With platforms, each index gives
 * what {@linkcode load} gives for them.
 *
 * @throws {FileError} if the path does not exist or can't be read.
 */
export async function loadAll(
  from: string | TarballSource,
  options: Omit<LoadOptions, "tag" | "index" | "several"> = {},
): Promise<LoadedImage[]> {
  if (typeof from === "string" && await isDirectory(from)) {
    const { openLayout } = await import("../layout/mod.ts");
    return await allOf((await openLayout(from, options)).index(), options);
  }
  const { tarballContents, tarballFile } = await import("../tarball/mod.ts");
  const contents = await tarballContents(typeof from === "string" ? tarballFile(from) : from, options);
  if (contents.kind === "layout") return await allOf(contents.index, options);
  return (await contents.all(options)).map(({ repoTags, image }) => ({ names: repoTags, view: image }));
}

async function allOf(index: ImageIndex, options: PlatformsOptions): Promise<LoadedImage[]> {
  const loaded: LoadedImage[] = [];
  for (const { descriptor, view } of await index.children(options)) {
    if (view.kind !== "image" && view.kind !== "index") continue;
    // The specification's annotation and containerd's may give the same name in two forms.
    loaded.push({ names: namesOf(descriptor).slice(0, 1), view: await ofPlatforms(view, options) });
  }
  return loaded;
}

async function fromImages(images: SavedImages, options: LoadOptions): Promise<Image | ImageIndex> {
  const { tag, index, several } = options;
  const all = index || (several === "index" && images.manifests.length > 1);
  if (tag !== undefined || !all) return await images.image(options);
  const views = (await images.all(options)).map(({ image }) => image);
  const { appendManifests } = await import("../mutate/mod.ts");
  return await ofPlatforms(appendManifests(emptyIndex(), views), options);
}

/**
 * Returns what the index of all platforms beside a `manifest.json` leads to; `undefined` where there is none, or where
 * no platform is asked for and not all of them are in the file.
 *
 * @throws {TarballError} if a platform is asked for that is not in the file.
 */
async function fromLayoutBeside(
  { index, holds }: LayoutBeside,
  { what, options }: { what: string; options: LoadOptions },
): Promise<Image | ImageIndex | undefined> {
  const { tag } = options;
  const children = await index.children(options);
  const wanted = tag === undefined ? children : named(children, tag);
  const [only] = wanted;
  if (only?.view.kind !== "index" || !holds(only.descriptor)) return undefined;
  if (wanted.some(({ descriptor }) => descriptor.digest !== only.descriptor.digest)) return undefined;
  const view = await ofPlatforms(only.view, options);
  const missing = await firstMissing(view, holds, options);
  if (missing === undefined) return view;
  const platforms = wantedPlatforms(options).map(platformString);
  if (platforms.length === 0) return undefined;
  throw new TarballError(`${what} lists the image for ${platforms.join(", ")}, but does not hold its ${missing}`, {
    hint: "save it again with that platform, or give no platform to take the image that is there",
  });
}

/** Returns the digest of the first manifest or blob that a view leads to and that is not there. */
async function firstMissing(
  view: Image | ImageIndex,
  holds: LayoutBeside["holds"],
  options: AbortOptions,
): Promise<Hash | undefined> {
  const views = new Set([view]);
  for (const view of views) {
    if (view.kind === "image") {
      const own = await view.descriptor(options);
      if (!holds(own)) return own.digest;
      const { config, layers } = await view.manifest(options);
      const blobs = [config, ...layers.filter(({ mediaType }) => isDistributable(mediaType))];
      const missing = blobs.find((blob) => !holds(blob));
      if (missing) return missing.digest;
      continue;
    }
    for (const { descriptor, view: child } of await view.children(options)) {
      if (!holds(descriptor)) return descriptor.digest;
      if (child.kind === "image" || child.kind === "index") views.add(child);
    }
  }
  return undefined;
}

async function fromLayout(
  index: ImageIndex,
  { what, options }: { what: string; options: LoadOptions },
): Promise<Image | ImageIndex> {
  const { tag } = options;
  const children = await index.children(options);
  if (tag === undefined && (options.index || (options.several === "index" && children.length > 1))) {
    return await ofPlatforms(index, options);
  }
  const wanted = tag === undefined ? onlyFor(children, options) : named(children, tag);
  if (wanted === undefined) return await ofPlatforms(index, options);
  const [only] = wanted;
  if (wanted.length === 1 && (only.view.kind === "image" || only.view.kind === "index")) {
    return await ofPlatforms(only.view, options);
  }
  const names = children.flatMap(({ descriptor }) => namesOf(descriptor));
  if (tag !== undefined) throw misses(what, tag, names);
  throw new LayoutError(`${what} holds ${children.length} images or indexes, not one`, {
    hint: names.length > 0
      ? `choose one by its name: ${listed(names)}`
      : children.length > 0
      ? "push them as one index with --index"
      : undefined,
  });
}

/** Returns the candidates if no name is given, or `undefined` if the platforms decide. */
function onlyFor(children: readonly IndexChild[], options: LoadOptions): readonly IndexChild[] | undefined {
  const platforms = wantedPlatforms(options);
  if (children.length <= 1 || platforms.length === 0) return children;
  const matches = matchPlatforms(...platforms);
  const wanted = children.filter(({ descriptor }) => matches(descriptor));
  return platforms.length > 1 || wanted.length === 0 ? undefined : wanted;
}

/** Returns the members with a name, in any form of it. */
function named(children: readonly IndexChild[], tag: string): readonly IndexChild[] {
  const wanted = fullName(tag);
  return children.filter(({ descriptor }) =>
    namesOf(descriptor).some((name) => name === tag || (wanted !== undefined && fullName(name) === wanted))
  );
}

/** Returns the names of a member: by the specification's annotation, and by containerd's, which holds full names. */
function namesOf({ annotations }: Descriptor): string[] {
  const names = [annotations?.[REF_NAME_ANNOTATION], annotations?.["io.containerd.image.name"]];
  return names.filter((name): name is string => typeof name === "string" && name !== "");
}

function misses(what: string, tag: string, names: readonly string[]): LayoutError {
  return new LayoutError(`${what} does not hold one image or index called ${tag}`, {
    hint: names.length > 0 ? `it has ${listed(names)}` : "nothing in it has a name",
  });
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).kind === "directory";
  } catch (error) {
    throw fileFailure(`can't read ${path}`, error);
  }
}
