import { LayoutError } from "../errors.ts";
import { type Image, type ImageIndex, selectImage } from "../image/mod.ts";
import { fileFailure } from "../io/mod.ts";
import { openLayout } from "../layout/mod.ts";
import { stat } from "../runtime/mod.ts";
import { imageFromTarball, tarballFile } from "../tarball/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { type CraneOptions, pusherOf, referenceOf } from "./options.ts";

/** Options of {@linkcode load}. */
export interface LoadOptions extends CraneOptions {
  /**
   * Which image of a tarball with several: its name there, `repository:tag`.
   * @default the only one
   */
  tag?: string;
  /**
   * Whether an OCI layout is taken as the index that it is, however many images it holds.
   * @default false
   */
  index?: boolean;
}

/**
 * An image from a path: of an OCI layout where that is a directory, else of a tarball that `docker save` or `podman
 * save` wrote. A layout with one image or index gives that.
 *
 * @throws {LayoutError | TarballError} when it holds several and nothing says which.
 * @throws {FileError} when there is nothing, or it can't be read.
 */
export async function load(path: string, options: LoadOptions = {}): Promise<Image | ImageIndex> {
  if (!await isDirectory(path)) {
    return await imageFromTarball(tarballFile(path), { tag: options.tag, signal: options.signal });
  }
  const index = (await openLayout(path, options)).index();
  if (options.index) return index;
  const children = await index.children(options);
  const [only] = children;
  if (children.length !== 1 || only.view.kind === "layer") {
    throw new LayoutError(`the layout ${path} holds ${children.length} images or indexes, not one`, {
      hint: children.length === 0 ? undefined : "push them as one index with --index",
    });
  }
  if (only.view.kind === "index" && options.platform) return await selectImage(only.view, options.platform, options);
  return only.view;
}

/**
 * Pushes an image or an index.
 *
 * @returns `repository@digest`
 */
export async function push(
  view: Image | ImageIndex,
  reference: string,
  options: CraneOptions = {},
): Promise<`${string}@${Hash}`> {
  const to = referenceOf(reference, options);
  const digest = await pusherOf(options).pusher.push(to, view, options);
  return `${to.context.name}@${digest}`;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).kind === "directory";
  } catch (error) {
    throw fileFailure(`can't read ${path}`, error);
  }
}
