import { NotFoundError } from "../src/errors.ts";
import { type Image, type ImageIndex, matchPlatforms, selectImage } from "../src/image/mod.ts";
import type { AbortOptions } from "../src/io/mod.ts";
import { removeManifests } from "../src/mutate/mod.ts";
import type { Descriptor, Platform } from "../src/spec/mod.ts";

/** By which builders say that a member of an index attests another. */
const ATTESTS = "vnd.docker.reference.digest";

/**
 * What is left of an index for some platforms: the image for the only one, else an index without the images for others;
 * attestations stay with what they attest. `undefined` when nothing is left. An index that names no platforms, such as a
 * list of referrers, stays as it is.
 */
export async function forPlatforms(
  index: ImageIndex,
  platforms: readonly Platform[],
  options: AbortOptions,
): Promise<Image | ImageIndex | undefined> {
  const { manifests } = await index.manifest(options);
  if (!manifests.some(({ platform }) => platform)) return index;
  if (platforms.length === 1) {
    try {
      return await selectImage(index, platforms[0], options);
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }
  const matches = matchPlatforms(...platforms);
  const chosen = new Set(manifests.filter(matches).map(({ digest }) => digest as string));
  if (chosen.size === 0) return undefined;
  const stays = ({ digest, platform, annotations }: Descriptor) =>
    !platform || chosen.has(digest) || chosen.has(annotations?.[ATTESTS] ?? "");
  return removeManifests(index, (descriptor) => !stays(descriptor));
}
