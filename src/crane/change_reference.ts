import type { Image, ImageIndex } from "../image/mod.ts";
import type { Reference, Repository } from "../name/mod.ts";
import type { Puller, Pusher } from "../remote/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { type CraneOptions, pusherOf, referenceOf, repositoryOf } from "./options.ts";

/** Options of the verbs that make a new image of one in a registry. */
export interface ChangeOptions extends CraneOptions {
  /**
   * The reference that the result gets.
   * @default none: it can be had by its digest
   */
  tag?: string;
  /**
   * The repository that the result is pushed to, for those who give it no tag.
   * @default that of the original
   */
  repository?: string;
}

/** What a change has to work with. */
export interface ChangeContext {
  /** What reads, on the connections that the result is pushed over. */
  readonly puller: Puller;
  /** What pushes the result; a layer that it was given before is not sent again. */
  readonly pusher: Pusher;
  /** Where the result will be. */
  readonly repository: Repository;
}

/** Where a result goes. */
export interface Destination {
  /** The repository. */
  readonly repository: Repository;
  /** The reference by tag, if it is to have one. */
  readonly reference?: Reference;
}

/**
 * Makes something new of what a reference names, and pushes it: of an index the whole, unless there is a platform.
 *
 * @returns `repository@digest` of the result
 */
export async function changeReference(
  reference: string,
  change: (view: Image | ImageIndex, context: ChangeContext) => Image | ImageIndex | Promise<Image | ImageIndex>,
  options: ChangeOptions,
): Promise<`${string}@${Hash}`> {
  const source = referenceOf(reference, options);
  const destination = destinationOf(source, options);
  const { pusher, puller } = pusherOf(options);
  const found = await puller.get(source, options);
  const view = options.platform ? await found.image(options) : found.view();
  const { repository } = destination;
  return await pushTo(destination, await change(view, { pusher, puller, repository }), { pusher, options });
}

/** Where the result of a change goes; a digest in its name is that of something else. */
export function destinationOf(source: Reference, options: ChangeOptions): Destination {
  if (options.tag !== undefined) {
    const reference = referenceOf(options.tag, options);
    return reference.kind === "tag" ? { repository: reference.context, reference } : { repository: reference.context };
  }
  const { repository } = options;
  return { repository: repository === undefined ? source.context : repositoryOf(repository, options) };
}

/** Pushes a result. @returns `repository@digest` */
export async function pushTo(
  { repository, reference }: Destination,
  view: Image | ImageIndex,
  { pusher, options }: { pusher: Pusher; options: CraneOptions },
): Promise<`${string}@${Hash}`> {
  const digest = await pusher.push(reference ?? repository, view, options);
  return `${repository.name}@${digest}`;
}
