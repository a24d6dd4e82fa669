import { ManifestError, NotFoundError, UsageError } from "../errors.ts";
import { knownDigest } from "../image/internal.ts";
import {
  emptyIndex,
  findManifests,
  type ImageIndex,
  type IndexChild,
  matchDigests,
  type Matcher,
  matchPlatforms,
} from "../image/mod.ts";
import { mapConcurrent } from "../io/mod.ts";
import { appendManifests, removeManifests } from "../mutate/mod.ts";
import { openLayout } from "../layout/mod.ts";
import { DEFAULT_JOBS } from "../graph/internal.ts";
import { type Descriptor, type Hash, MediaType, parsePlatform, type Platform, platformString } from "../spec/mod.ts";
import { sourceName } from "../source/internal.ts";
import { type ImageSource, open, type OpenOptions, type PlatformsOptions } from "../source/mod.ts";
import { type ChangeOptions, type Destination, destinationFor, destinationOf, pushTo } from "./change_reference.ts";
import { type CraneOptions, pusherOf, referenceOf, repositoryOf } from "./options.ts";
import { openOrCreate } from "./save.ts";

/** Options of the functions that add members to an index. */
export interface MemberOptions extends CraneOptions, PlatformsOptions {
  /**
   * Whether to add the members of an index instead of the index itself.
   *
   * @default true
   */
  flatten?: boolean;
}

/** Options of {@linkcode appendToIndex}. */
export interface AppendToIndexOptions extends MemberOptions, ChangeOptions {
  /**
   * Whether an index without a base has Docker's media type instead of OCI's.
   *
   * @default false
   */
  docker?: boolean;
}

/**
 * Adds members to the end of an index and pushes the result; the original stays. With platforms, only an index's images
 * for them are added; what the index lists already, in the same words, is not listed again. Layers are copied only from
 * other repositories.
 *
 * @param base the index to extend; `undefined` for a new one. An index that is not in a registry needs a tag
 * @returns `repository@digest` of the result
 */
export async function appendToIndex(
  base: ImageSource | undefined,
  members: readonly ImageSource[],
  options: AppendToIndexOptions = {},
): Promise<`${string}@${Hash}`> {
  const destination = base === undefined ? destinationOfNew(options) : destinationFor(base, options);
  const { pusher, puller } = pusherOf(options);
  const empty = () => emptyIndex({ mediaType: options.docker ? MediaType.DockerManifestList : undefined });
  const index = base === undefined ? empty() : await openIndex(base, { ...options, puller, several: "index" });
  const found = await findMembers(members, { ...options, puller });
  const added = found.map((member) => ({ member, distinct: true }));
  return await pushTo(destination, appendManifests(index, added), { pusher, options });
}

/** Adds members to a layout, which is created if it does not exist. They are given as for {@linkcode appendToIndex}. */
export async function appendToLayout(
  path: string,
  members: readonly ImageSource[],
  options: MemberOptions = {},
): Promise<void> {
  // Finds all members before it creates anything.
  const found = await findMembers(members, options);
  const layout = await openOrCreate(path, options);
  const writing = { signal: options.signal, onProgress: options.onProgress, concurrency: options.jobs };
  // Does not read digests first, which would compress the layers twice.
  for (const view of found) {
    if (view.kind === "image" && await knownDigest(view) === undefined) await layout.writeImage(view, writing);
  }
  // An index of the members provides their platforms.
  for (const { view, descriptor: { platform } } of await appendManifests(emptyIndex(), found).children(options)) {
    if (view.kind === "image") await layout.appendImage(view, { ...writing, platform });
    else if (view.kind === "index") await layout.appendIndex(view, { ...writing, platform });
  }
}

/**
 * Keeps only those members of an index that are for one of the platforms, and pushes the result; the original stays.
 *
 * @returns `repository@digest` of the result
 * @throws {NotFoundError} if there are none; the message lists the available platforms.
 */
export async function filterIndex(
  source: ImageSource,
  platforms: readonly (Platform | string)[],
  options: Omit<ChangeOptions, "platform" | "platforms"> = {},
): Promise<`${string}@${Hash}`> {
  const destination = destinationFor(source, options);
  const { pusher, puller } = pusherOf(options);
  const index = await openIndex(source, { ...options, puller, several: "index" });
  const matches = await matcherOf(index, platforms, { what: sourceName(source), signal: options.signal });
  const filtered = removeManifests(index, (descriptor) => !matches(descriptor));
  return await pushTo(destination, filtered, { pusher, options });
}

/**
 * Removes the images for other platforms from a layout's `index.json`. Their blobs stay until garbage collection.
 *
 * @throws {NotFoundError} if no image would be left.
 */
export async function filterLayout(
  path: string,
  platforms: readonly (Platform | string)[],
  options: CraneOptions = {},
): Promise<void> {
  const layout = await openLayout(path, options);
  const what = `the layout ${path}`;
  const { signal } = options;
  const [only, ...more] = await layout.index().children({ signal });
  if (more.length === 0 && only?.view.kind === "index") {
    // A layout with a single index may hold it under a name, and the images in it.
    const { view, descriptor: { digest, annotations } } = only;
    const matches = await matcherOf(view, platforms, { what, signal });
    const filtered = removeManifests(view, (descriptor) => !matches(descriptor));
    await layout.replaceIndex(filtered, matchDigests(digest), { annotations, signal });
    return;
  }
  const matches = await matcherOf(layout.index(), platforms, { what, signal });
  await layout.removeDescriptors((descriptor) => !matches(descriptor), { signal });
}

/**
 * Returns the members of an index, a layout or a tarball. @throws {ManifestError} if the source is an image in a
 * registry.
 */
export async function indexMembers(source: ImageSource, options: CraneOptions = {}): Promise<readonly Descriptor[]> {
  return await findManifests(await openIndex(source, { ...options, index: true }), () => true, options);
}

/** Returns a matcher for the platforms, and checks that it matches at least one member. */
async function matcherOf(
  index: ImageIndex,
  platforms: readonly (Platform | string)[],
  { what, signal }: { what: string; signal: AbortSignal | undefined },
): Promise<Matcher> {
  const matches = matchPlatforms(...platforms);
  const { manifests } = await index.manifest({ signal });
  if (manifests.some(matches)) return matches;
  const there = [...new Set(manifests.map(({ platform }) => platform && platformString(platform)))].filter(Boolean);
  throw new NotFoundError(
    `${what} has nothing for ${platforms.map((platform) => platformString(parsePlatform(platform))).join(" or ")}; ` +
      (there.length > 0 ? `it has ${there.join(", ")}` : "it names no platforms"),
  );
}

/** Returns the destination of a new index. */
function destinationOfNew(options: ChangeOptions): Destination {
  const { tag, repository } = options;
  if (tag !== undefined) return destinationOf(referenceOf(tag, options), options);
  if (repository !== undefined) return { repository: repositoryOf(repository, options) };
  throw new UsageError("a new index has no name yet", { hint: "give it one with -t" });
}

/** Opens a whole index, regardless of the platforms for its members. */
async function openIndex(source: ImageSource, options: OpenOptions): Promise<ImageIndex> {
  const view = await open(source, { ...options, platform: undefined, platforms: undefined });
  if (view.kind === "index") return view;
  throw new ManifestError(`${sourceName(source)} is not an index but ${await view.mediaType(options)}`);
}

async function findMembers(
  sources: readonly ImageSource[],
  options: MemberOptions & OpenOptions,
): Promise<IndexChild["view"][]> {
  const { jobs = DEFAULT_JOBS, signal, flatten = true } = options;
  const pool = { concurrency: jobs, signal };
  const found = await mapConcurrent(sources, pool, async (source, signal): Promise<readonly IndexChild["view"][]> => {
    const view = await open(source, { ...options, several: "index", signal });
    if (view.kind === "image" || !flatten) return [view];
    return await view.members({ signal });
  });
  return found.flat();
}
