import { type Image, type ImageIndex, selectImage } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { DEFAULT_PLATFORM } from "../spec/mod.ts";
import type { PlatformOptions } from "./options.ts";

/**
 * Returns an image as it is, and of an index the image for the requested platform.
 *
 * @throws {NotFoundError} if the index has none for it.
 */
export async function oneImage(view: Image | ImageIndex, options: PlatformOptions): Promise<Image> {
  if (view.kind === "image") return view;
  const { platform, onDefaultPlatform } = options;
  const image = await selectImage(view, platform ?? DEFAULT_PLATFORM, options);
  if (platform === undefined && onDefaultPlatform && await hasOthers(view, image, options)) onDefaultPlatform();
  return image;
}

/** Returns whether an index has more to choose from than one image and its attestations. */
async function hasOthers(index: ImageIndex, image: Image, { signal }: AbortOptions): Promise<boolean> {
  const digest = await image.digest({ signal });
  return (await index.children({ signal })).some(({ descriptor, view }) =>
    view.kind === "index" ||
    (view.kind === "image" && descriptor.digest !== digest && descriptor.platform?.os !== "unknown")
  );
}
