import { checkView, type Image, type ImageIndex, matchPlatforms, selectImage } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { appendManifests, removeManifests } from "../mutate/mod.ts";
import type { PlatformOptions } from "../remote/mod.ts";
import { parsePlatform, type Platform } from "../spec/mod.ts";

/** Options of what can take several images of an index. */
export interface PlatformsOptions extends PlatformOptions {
  /**
   * Which images of an index are wanted: of one the image, of several an index of them alone.
   * @default `platform` alone; without it, all of the index
   */
  platforms?: readonly (Platform | string)[];
}

/** The platforms that are wanted; none for all. */
export function wantedPlatforms({ platform, platforms }: PlatformsOptions): readonly Platform[] {
  return (platforms ?? (platform ? [platform] : [])).map(parsePlatform);
}

/**
 * What is wanted of an index: with one platform the image for it, with several an index of their images, without any all
 * of it. An image is taken as it is.
 *
 * @throws {NotFoundError} when there is no image for one of them; it says which platforms there are.
 */
export async function ofPlatforms(
  view: Image | ImageIndex,
  options: PlatformsOptions = {},
): Promise<Image | ImageIndex> {
  checkView(view, "image", "index");
  const platforms = wantedPlatforms(options);
  if (view.kind === "image" || platforms.length === 0) return view;
  if (platforms.length === 1) return await selectImage(view, platforms[0], options);
  return await someOf(view, platforms, options);
}

/** An index of the images for platforms alone. What an index inside has for them is moved up. */
async function someOf(
  index: ImageIndex,
  platforms: readonly Platform[],
  { signal }: AbortOptions,
): Promise<ImageIndex> {
  const { manifests } = await index.manifest({ signal });
  const deeper: Image[] = [];
  for (const platform of platforms) {
    if (manifests.some(matchPlatforms(platform))) continue;
    const image = await selectImage(index, platform, { signal });
    if (!deeper.includes(image)) deeper.push(image);
  }
  const matches = matchPlatforms(...platforms);
  return appendManifests(removeManifests(index, (descriptor) => !matches(descriptor)), deeper);
}
