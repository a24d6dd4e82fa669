import { LimitError, NotFoundError } from "../errors.ts";
import { type AbortOptions, listed } from "../io/mod.ts";
import {
  DEFAULT_PLATFORM,
  type Descriptor,
  type Hash,
  parsePlatform,
  type Platform,
  platformSatisfies,
  platformString,
} from "../spec/mod.ts";
import { checkView } from "./check_view.ts";
import type { Image, ImageIndex, IndexChild } from "./view.ts";

/** Returns whether a descriptor is wanted. */
export type Matcher = (descriptor: Descriptor) => boolean;

/** The annotation by which an index names its members (image-spec, "Pre-Defined Annotation Keys"). */
export const REF_NAME_ANNOTATION = "org.opencontainers.image.ref.name";

/** How deep indexes in indexes are followed; real ones have two levels. */
const MAX_DEPTH = 16;

/** Matches what runs on one of the platforms, as far as they say. A descriptor without a platform does not match. */
export function matchPlatforms(...platforms: readonly (Platform | string)[]): Matcher {
  const parsed = platforms.map(parsePlatform);
  return ({ platform }) => parsed.some((wanted) => platform ? platformSatisfies(platform, wanted) : false);
}

/** Matches one of the digests. */
export function matchDigests(...digests: readonly Hash[]): Matcher {
  return ({ digest }) => digests.includes(digest);
}

/** Matches one of the media types. */
export function matchMediaTypes(...mediaTypes: readonly string[]): Matcher {
  return ({ mediaType }) => mediaTypes.includes(mediaType);
}

/** Matches an annotation with exactly this value. */
export function matchAnnotation(key: string, value: string): Matcher {
  return ({ annotations }) => annotations?.[key] === value;
}

/** Matches a name in the annotation `org.opencontainers.image.ref.name`, as layouts use it. */
export function matchName(name: string): Matcher {
  return matchAnnotation(REF_NAME_ANNOTATION, name);
}

/** The descriptors of the index's own members that match, in order. */
export async function findManifests(
  index: ImageIndex,
  matcher: Matcher,
  options: AbortOptions = {},
): Promise<Descriptor[]> {
  checkView(index, "index");
  return (await index.manifest(options)).manifests.filter(matcher);
}

/** The index's own members that are images and match, in order. */
export async function findImages(index: ImageIndex, matcher: Matcher, options: AbortOptions = {}): Promise<Image[]> {
  const found = await matchingChildren(index, matcher, options);
  return found.map(({ view }) => view).filter((view) => view.kind === "image");
}

/** The index's own members that are indexes and match, in order. */
export async function findIndexes(
  index: ImageIndex,
  matcher: Matcher,
  options: AbortOptions = {},
): Promise<ImageIndex[]> {
  const found = await matchingChildren(index, matcher, options);
  return found.map(({ view }) => view).filter((view) => view.kind === "index");
}

async function matchingChildren(index: ImageIndex, matcher: Matcher, options: AbortOptions): Promise<IndexChild[]> {
  checkView(index, "index");
  return (await index.children(options)).filter(({ descriptor }) => matcher(descriptor));
}

/**
 * The first image of an index that runs on a platform. A member without a platform counts as linux/amd64. Indexes
 * among the members are looked into, one after the other, when none of the images beside them will do.
 *
 * @throws {NotFoundError} when there is none; the message lists the platforms.
 * @throws {LimitError} when indexes are nested too deep.
 */
export async function selectImage(
  index: ImageIndex,
  platform: Platform | string,
  options: AbortOptions = {},
): Promise<Image> {
  checkView(index, "index");
  const passed = new Set<string>();
  const wanted = parsePlatform(platform);
  const found = await search(index, { platform: wanted, passed, seen: new Set(), depth: 0, signal: options.signal });
  if (found) return found;
  throw new NotFoundError(
    `index ${await index.digest(options)} has no image for ${platformString(wanted) || "the platform asked for"}; ` +
      (passed.size === 0 ? "it has no images" : `it has ${listed(passed)}`),
    { hint: passed.size === 0 ? undefined : "choose one of its platforms with --platform" },
  );
}

interface Search extends AbortOptions {
  platform: Platform;
  /** The platforms of the images that would not do. */
  passed: Set<string>;
  /** The nested indexes looked into already. */
  seen: Set<Hash>;
  depth: number;
}

async function search(index: ImageIndex, state: Search): Promise<Image | undefined> {
  if (state.depth > MAX_DEPTH) throw new LimitError(`indexes are nested more than ${MAX_DEPTH} deep`);
  const { platform, passed, seen, signal } = state;
  const children = await index.children({ signal });
  for (const { descriptor, view } of children) {
    if (view.kind !== "image") continue;
    const own = descriptor.platform ?? DEFAULT_PLATFORM;
    if (platformSatisfies(own, platform)) return view;
    // Attestations are images for "unknown/unknown", and no choice for a user.
    if (own.os !== "unknown") passed.add(platformString(own) || "an unnamed platform");
  }
  for (const { descriptor, view } of children) {
    if (view.kind !== "index" || seen.has(descriptor.digest)) continue;
    seen.add(descriptor.digest);
    const found = await search(view, { ...state, depth: state.depth + 1 });
    if (found) return found;
  }
  return undefined;
}
