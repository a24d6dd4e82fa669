import { type Image, type ImageIndex, selectImage } from "../image/mod.ts";
import { localName } from "../name/mod.ts";
import type { Puller } from "../remote/mod.ts";
import { DEFAULT_PLATFORM } from "../spec/mod.ts";
import type { TarballSource } from "../tarball/mod.ts";
import { load, type LoadOptions } from "./load.ts";
import { type CraneOptions, pullerOf, referenceOf } from "./options.ts";
import { ofPlatforms, type PlatformsOptions } from "./platforms.ts";

/**
 * Where an image or an index is: a view of it; a tarball; or a name, which is a reference, or the path of an OCI layout or
 * a tarball. A path begins with `/`, `./` or `../`, or is that of a layout or a `.tar` file that is there; `path:name` is
 * one image of several.
 */
export type ImageSource = string | TarballSource | Image | ImageIndex;

/** Options of {@linkcode open}. */
export interface OpenOptions extends CraneOptions, PlatformsOptions, Pick<LoadOptions, "several" | "index"> {
  /**
   * What reads from registries.
   * @default one of its own
   */
  puller?: Puller;
}

/**
 * The image or the index that a source stands for. Of one in a registry nothing but its manifest is read.
 *
 * @throws {LayoutError | TarballError} when a file holds several and nothing says which.
 * @throws {NotFoundError} when there is none, or none for the platform.
 */
export async function open(source: ImageSource, options: OpenOptions = {}): Promise<Image | ImageIndex> {
  if (typeof source !== "string") {
    return "kind" in source ? await ofPlatforms(source, options) : await load(source, options);
  }
  const local = await localName(source);
  if (local) return await load(local.path, { ...options, tag: local.tag });
  const { puller = pullerOf(options) } = options;
  const found = await puller.get(referenceOf(source, options), options);
  return await ofPlatforms(found.view(), options);
}

/** The same where an image is wanted: of an index, the one for the platform, linux/amd64 by default. */
export async function openImage(source: ImageSource, options: OpenOptions = {}): Promise<Image> {
  const view = await open(source, options);
  return view.kind === "image" ? view : await selectImage(view, options.platform ?? DEFAULT_PLATFORM, options);
}

/** The reference that a source is; `undefined` for what is in no registry. */
export async function referenceIn(source: ImageSource): Promise<string | undefined> {
  return typeof source === "string" && await localName(source) === undefined ? source : undefined;
}

/** What to call a source in an error. */
export function sourceName(source: ImageSource): string {
  if (typeof source === "string") return source;
  return "name" in source ? source.name : `the ${source.kind}`;
}
