import { HttpError } from "../errors.ts";
import type { Image, ImageIndex } from "../image/mod.ts";
import type { Reference } from "../name/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { type CraneOptions, pusherOf, referenceOf } from "./options.ts";

/**
 * Pushes an image or an index.
 *
 * @returns `repository@digest`
 */
export async function push(
  view: Image | ImageIndex,
  reference: Reference | string,
  options: CraneOptions = {},
): Promise<`${string}@${Hash}`> {
  const to = referenceOf(reference, options);
  const digest = await pusherOf(options).pusher.push(to, view, options);
  return `${to.repository.name}@${digest}`;
}

/** Points another tag of the same repository at the manifest of a reference. Copies nothing. */
export async function tag(reference: string, newTag: string, options: CraneOptions = {}): Promise<void> {
  await pusherOf(options).pusher.tag(referenceOf(reference, options), newTag, options);
}

/** Deletes the manifest or the tag of a reference. */
export async function remove(reference: string, options: CraneOptions = {}): Promise<void> {
  const parsed = referenceOf(reference, options);
  try {
    await pusherOf(options).pusher.delete(parsed, options);
  } catch (error) {
    if (parsed.kind === "tag" && error instanceof HttpError && [400, 405].includes(error.status)) {
      throw new HttpError(error.message, {
        ...error,
        hint: `some registries delete by digest only: gcrane delete $(gcrane digest --full-ref ${reference})`,
        cause: error,
      });
    }
    throw error;
  }
}
