import { validateImage, validateIndex, type ValidateOptions } from "../image/mod.ts";
import { imageFromTarball, tarballFile } from "../tarball/mod.ts";
import { type CraneOptions, pullerOf, referenceOf } from "./options.ts";

/** Options of {@linkcode validateRemote}. */
export interface ValidateRemoteOptions extends CraneOptions, Pick<ValidateOptions, "fast"> {}

/**
 * Reads all of an image or an index, and of a platform only that image, and checks that every part is what the others
 * say.
 *
 * @throws {ValidationError} that names all that is wrong.
 */
export async function validateRemote(reference: string, options: ValidateRemoteOptions = {}): Promise<void> {
  const found = await pullerOf(options).get(referenceOf(reference, options), options);
  const view = options.platform ? await found.image(options) : found.view();
  if (view.kind === "image") await validateImage(view, options);
  else await validateIndex(view, options);
}

/** The same for an image in a tarball. */
export async function validateTarball(
  path: string,
  options: Pick<ValidateOptions, "fast" | "signal"> & { tag?: string } = {},
): Promise<void> {
  await validateImage(await imageFromTarball(tarballFile(path), options), options);
}
