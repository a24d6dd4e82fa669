import { NotFoundError } from "../src/errors.ts";
import { type Image, type ImageIndex, selectImage } from "../src/image/mod.ts";
import type { AbortOptions } from "../src/io/mod.ts";
import { parsePlatform, type Platform } from "../src/spec/mod.ts";

/**
 * Selects platforms from an index: one gives its image, several an index of their images. Returns `undefined` if it has
 * none of them. An index without platforms, such as a list of referrers, is returned unchanged.
 */
export async function forPlatforms(
  index: ImageIndex,
  platforms: readonly (Platform | string)[],
  { signal }: AbortOptions,
): Promise<Image | ImageIndex | undefined> {
  const { manifests } = await index.manifest({ signal });
  if (!manifests.some(({ platform }) => platform)) return index;
  const there: Platform[] = [];
  for (const platform of platforms.map(parsePlatform)) {
    if (await hasImage(index, platform, { signal })) there.push(platform);
  }
  if (there.length === 0) return undefined;
  // Who only lists a repository does not wait for all the verbs to be loaded.
  const { ofPlatforms } = await import("../src/source/mod.ts");
  return await ofPlatforms(index, { platforms: there, signal });
}

async function hasImage(index: ImageIndex, platform: Platform, options: AbortOptions): Promise<boolean> {
  try {
    await selectImage(index, platform, options);
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}
