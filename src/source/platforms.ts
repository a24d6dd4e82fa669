import { checkView } from "../image/internal.ts";
import { type Image, type ImageIndex, matchPlatforms, selectImage } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { PlatformOptions } from "../remote/mod.ts";
import { parsePlatform, type Platform } from "../spec/mod.ts";

/** Options of the functions that accept several images of an index. */
export interface PlatformsOptions extends PlatformOptions {
  /**
   * The platforms of the images to choose from an index: one gives its image, several an index of their images.
   *
   * @default `platform`; without it, the whole index
   */
  platforms?: readonly (Platform | string)[];
}

/** Returns the requested platforms; none means all. */
export function wantedPlatforms({ platform, platforms }: PlatformsOptions): readonly Platform[] {
  return (platforms ?? (platform ? [platform] : [])).map(parsePlatform);
}

/**
 * Selects from an index: with one platform the image for it, with several an index of their images, without any the
 * whole index. Returns an image unchanged.
 *
 * @throws {NotFoundError} if there is no image for one of them; the message lists the available platforms.
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

/** Returns an index with only the images for platforms. Images from nested indexes are moved up. */
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
  const { appendManifests, removeManifests } = await import("../mutate/mod.ts");
  return appendManifests(removeManifests(index, (descriptor) => !matches(descriptor)), deeper);
}
