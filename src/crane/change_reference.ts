import { UsageError } from "../errors.ts";
import { type Image, type ImageIndex, type Matcher, matchPlatforms } from "../image/mod.ts";
import type { Reference, Repository } from "../name/mod.ts";
import type { Puller, Pusher } from "../remote/mod.ts";
import { DEFAULT_PLATFORM, type Hash } from "../spec/mod.ts";
import {
  type ImageSource,
  ofPlatforms,
  open,
  type PlatformsOptions,
  referenceIn,
  sourceName,
  wantedPlatforms,
} from "../source/mod.ts";
import { type CraneOptions, pusherOf, referenceOf, repositoryOf } from "./options.ts";

/** Options of the verbs that make a new image of another. */
export interface ChangeOptions extends CraneOptions, PlatformsOptions {
  /**
   * The reference that the result gets.
   * @default none: it can be had by its digest
   */
  tag?: Reference | string;
  /**
   * The repository that the result is pushed to, for those who give it no tag.
   * @default that of the original
   */
  repository?: Repository | string;
}

/** What a change has to work with. */
export interface ChangeContext {
  /** What reads, on the connections that the result is pushed over. */
  readonly puller: Puller;
  /** Which images of an index to change; all of them if nothing is said. */
  readonly images?: Matcher;
}

/** Where a result goes. */
export interface Destination {
  /** The repository. */
  readonly repository: Repository;
  /** The reference by tag, if it is to have one. */
  readonly reference?: Reference;
}

/** Options of {@linkcode changeSource}. */
export interface ChangeSourceOptions extends ChangeOptions {
  /**
   * Whether the images of an index that are for none of the platforms stay in it as they are.
   * @default false: they are left out
   */
  keepOthers?: boolean;
}

/**
 * Makes something new of an image or an index, and pushes it: of an index the whole, unless there are platforms.
 *
 * @returns `repository@digest` of the result
 * @throws {UsageError} when it is in no registry, and no name is given for the result.
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

/** Where the result of a change of a source goes. @throws {UsageError} when nothing says it. */
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

/** Where the result of a change goes; a digest in its name is that of something else. */
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
