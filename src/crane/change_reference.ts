import { UsageError } from "../errors.ts";
import { type Image, type ImageIndex, type Matcher, matchPlatforms } from "../image/mod.ts";
import type { Reference, Repository } from "../name/mod.ts";
import type { Puller, Pusher } from "../remote/mod.ts";
import { DEFAULT_PLATFORM, type Hash } from "../spec/mod.ts";
import { referenceIn, sourceName, wantedPlatforms } from "../source/internal.ts";
import { type ImageSource, ofPlatforms, open, type PlatformsOptions } from "../source/mod.ts";
import { type CraneOptions, pusherOf, referenceOf, repositoryOf } from "./options.ts";

/** Options of the functions that create a new image from another. */
export interface ChangeOptions extends CraneOptions, PlatformsOptions {
  /**
   * The reference of the result.
   *
   * @default none: the result has only its digest
   */
  tag?: Reference | string;
  /**
   * The repository that the result is pushed to if it has no tag.
   *
   * @default that of the original
   */
  repository?: Repository | string;
}

/** The context of a change. */
export interface ChangeContext {
  /** The puller, which shares its connections with the push of the result. */
  readonly puller: Puller;
  /** The images of an index to change; all if it is missing. */
  readonly images?: Matcher;
}

/** The destination of a result. */
export interface Destination {
  /** The repository. */
  readonly repository: Repository;
  /** The reference by tag, if the result gets one. */
  readonly reference?: Reference;
}

/** Options of {@linkcode changeSource}. */
export interface ChangeSourceOptions extends ChangeOptions {
  /**
   * Whether to keep the images of an index for other platforms unchanged.
   *
   * @default false: they are left out
   */
  keepOthers?: boolean;
}

/**
 * Creates a changed image or index and pushes it: the whole index, unless platforms are given.
 *
 * @returns `repository@digest` of the result
 * @throws {UsageError} if the source is not in a registry and the result has no name.
 */
export async function changeSource(
  source: ImageSource,
  change: (view: Image | ImageIndex, context: ChangeContext) => Image | ImageIndex | Promise<Image | ImageIndex>,
  options: ChangeSourceOptions,
): Promise<`${string}@${Hash}`> {
  const destination = destinationFor(source, options);
  const { pusher, puller } = pusherOf(options);
  const { view, images } = await openToChange(source, { ...options, puller });
  return await pushTo(destination, await change(view, { puller, images }), { pusher, options });
}

async function openToChange(
  source: ImageSource,
  options: ChangeSourceOptions & { puller: Puller },
): Promise<{ view: Image | ImageIndex; images?: Matcher }> {
  const { keepOthers, platform, platforms, ...whole } = options;
  if (!keepOthers) return { view: await open(source, { ...whole, platform, platforms }) };
  const view = await open(source, whole);
  const wanted = wantedPlatforms(options);
  await ofPlatforms(view, { platforms: wanted, signal: options.signal });
  const matches = matchPlatforms(...wanted);
  return { view, images: (descriptor) => matches({ platform: DEFAULT_PLATFORM, ...descriptor }) };
}

/**
 * Returns the destination for a change of a source. @throws {UsageError} if neither the source nor the options give
 * one.
 */
export function destinationFor(source: ImageSource, options: ChangeOptions): Destination {
  const reference = referenceIn(source);
  if (reference !== undefined) return destinationOf(referenceOf(reference, options), options);
  const { tag, repository } = options;
  if (tag !== undefined) return destinationOf(referenceOf(tag, options), options);
  if (repository !== undefined) return { repository: repositoryOf(repository, options) };
  throw new UsageError(`${sourceName(source)} is in no registry, so the result needs a name`, {
    hint: "give it one with -t",
  });
}

/** Returns the destination for a change of a reference. A digest in it is dropped, as the result has another. */
export function destinationOf(source: Reference, options: ChangeOptions): Destination {
  if (options.tag !== undefined) {
    const reference = referenceOf(options.tag, options);
    const { repository } = reference;
    return reference.kind === "tag" ? { repository, reference } : { repository };
  }
  const { repository } = options;
  return { repository: repository === undefined ? source.repository : repositoryOf(repository, options) };
}

/** Pushes a result. @returns `repository@digest` */
export async function pushTo(
  { repository, reference }: Destination,
  view: Image | ImageIndex,
  { pusher, options }: { pusher: Pusher; options: CraneOptions },
): Promise<`${string}@${Hash}`> {
  const digest = await pusher.push(reference ?? repository, view, options);
  return `${repository.name}@${digest}`;
}
