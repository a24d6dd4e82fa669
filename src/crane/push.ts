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
