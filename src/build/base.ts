import { BuildError } from "../errors.ts";
import { findImages, type Image, type ImageIndex } from "../image/mod.ts";
import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import { matchAttestations } from "../mutate/mod.ts";
import { configPlatform, type Platform, platformSatisfies, platformString } from "../spec/mod.ts";

/** One image of a base. */
export interface BaseImage {
  readonly platform: Platform;
  readonly image: Image;
}

/** How many configs are read together. */
const CONCURRENCY = 4;

/**
 * Returns the images of a base for the wanted platforms, or for all that it has.
 *
 * @param name how errors call the base
 * @throws {BuildError} if it has none for one of them, or is for another operating system than Linux.
 */
export async function baseImages(
  view: Image | ImageIndex,
  { name, platforms = [], signal }: { name: string; platforms?: readonly string[] } & AbortOptions,
): Promise<BaseImage[]> {
  const images = view.kind === "image"
    ? [view]
    : await findImages(view, (descriptor) => !matchAttestations(descriptor), { signal });
  const all = await mapConcurrent(images, { concurrency: CONCURRENCY, signal }, async (image, signal) => ({
    platform: configPlatform(await image.configFile({ signal })),
    image,
  }));
  const available = all.filter(({ platform }) => platform.os === "linux");
  const has = all.length === 0 ? "no image" : `images for ${all.map((one) => platformString(one.platform)).join(", ")}`;
  for (const wanted of platforms) {
    if (available.some(({ platform }) => platformSatisfies(platform, wanted))) continue;
    throw new BuildError(`the base ${name} has no image for ${wanted}: it has ${has}`, {
      hint: "leave that platform out, or name another base with --base",
    });
  }
  if (available.length === 0) {
    throw new BuildError(`the base ${name} has no image for Linux: it has ${has}`, {
      hint: "name another base with --base",
    });
  }
  if (platforms.length === 0) return available;
  return available.filter(({ platform }) => platforms.some((wanted) => platformSatisfies(platform, wanted)));
}
