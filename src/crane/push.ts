import { HttpError, TarballError } from "../errors.ts";
import type { Image, ImageIndex } from "../image/mod.ts";
import { DEFAULT_TAG, type Reference, type Repository } from "../name/mod.ts";
import type { LoadedImage } from "../source/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { type CraneOptions, pusherOf, referenceOf, repositoryOf } from "./options.ts";

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

/**
 * Pushes images and indexes to one repository, each under the tags of its own names, and one without a name by its
 * digest.
 *
 * @returns `repository@digest` of each, in order
 * @throws {TarballError} if two of them have the same tag.
 */
export async function pushAll(
  images: readonly LoadedImage[],
  repository: Repository | string,
  options: CraneOptions = {},
): Promise<`${string}@${Hash}`[]> {
  const to = repositoryOf(repository, options);
  const tagged = images.map(({ names, view }) => ({ view, tags: [...new Set(names.map(tagOf))] }));
  const taken = new Map<string, LoadedImage>();
  for (const [index, { tags }] of tagged.entries()) {
    for (const tag of tags) {
      const other = taken.get(tag);
      if (other) {
        const names = [other, images[index]].map(({ names }) => names.find((name) => tagOf(name) === tag));
        throw new TarballError(`two images have the tag ${tag}: ${names.join(" and ")}`, {
          hint: "push them one by one, each under a name of its own",
        });
      }
      taken.set(tag, images[index]);
    }
  }
  const { pusher } = pusherOf(options);
  const pushed: `${string}@${Hash}`[] = [];
  for (const { view, tags: [first, ...more] } of tagged) {
    const digest = await pusher.push(first === undefined ? to : to.tag(first), view, options);
    if (more.length > 0) await pusher.tag(to.digest(digest), more, options);
    pushed.push(`${to.name}@${digest}`);
  }
  return pushed;
}

/** Returns the tag of a name in a file: `repository:tag`, a repository, or a tag alone, as layouts have it. */
function tagOf(name: string): string {
  return /:([^/:@]+)$/.exec(name)?.[1] ?? (name.includes("/") ? DEFAULT_TAG : name);
}

/** Points other tags of the same repository, one or several, at the manifest of a reference. Copies nothing. */
export async function tag(
  reference: string,
  newTags: string | readonly string[],
  options: CraneOptions = {},
): Promise<void> {
  await pusherOf(options).pusher.tag(referenceOf(reference, options), newTags, options);
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
