import { type Image, type ImageIndex, validateImage, validateIndex, type ValidateOptions } from "../image/mod.ts";
import { type ImageSource, load, open, type PlatformsOptions } from "../source/mod.ts";
import type { CraneOptions } from "./options.ts";

/** Options of {@linkcode validate}. */
export interface ValidateSourceOptions extends CraneOptions, PlatformsOptions, Pick<ValidateOptions, "fast"> {}

/**
 * Reads all of an image or an index, or its images for some platforms, and checks that all parts are consistent. Reads
 * all images of a file with several.
 *
 * @throws {ValidationError} with all faults.
 */
export async function validate(source: ImageSource, options: ValidateSourceOptions = {}): Promise<void> {
  await validateView(await open(source, { ...options, several: "index" }), options);
}

/** Checks a tarball as {@linkcode validate} does, or one image of a tarball with several. */
export async function validateTarball(
  path: string,
  options: Pick<ValidateOptions, "fast" | "signal"> & { tag?: string } = {},
): Promise<void> {
  await validateView(await load(path, { ...options, several: "index" }), options);
}

async function validateView(view: Image | ImageIndex, options: ValidateOptions): Promise<void> {
  if (view.kind === "image") await validateImage(view, options);
  else await validateIndex(view, options);
}
