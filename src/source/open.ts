import type { Image, ImageIndex } from "../image/mod.ts";
import { type NameOptions, parseReference, type Reference } from "../name/mod.ts";
import { oneImage } from "../remote/internal.ts";
import { Puller, type RemoteOptions } from "../remote/mod.ts";
import { wrongArgument } from "../spec/internal.ts";
import { isSchema1 } from "../spec/mod.ts";
import type { TarballSource } from "../tarball/mod.ts";
import { load, type LoadOptions } from "./load.ts";
import { ofPlatforms, type PlatformsOptions } from "./platforms.ts";

/** An image or an index in a layout or an archive at a path. */
export interface PathSource {
  /** Distinguishes it from a view. */
  readonly kind: "path";
  /** The path of a layout, or of an archive. */
  readonly path: string;
  /**
   * The name of one image of several: `repository:tag`.
   *
   * @default the only one
   */
  readonly tag?: string;
}

/**
 * A source of an image or an index: a reference (a string is always one), a layout or an archive at a path, an archive
 * from elsewhere, or a view.
 */
export type ImageSource = Reference | string | PathSource | TarballSource | Image | ImageIndex;

/** Options of {@linkcode open}. */
export interface OpenOptions
  extends RemoteOptions, NameOptions, PlatformsOptions, Pick<LoadOptions, "several" | "index"> {
  /**
   * The puller for registries.
   *
   * @default a new one
   */
  puller?: Puller;
  /**
   * The result for Docker's schema 1, the manifests of before 2016: an error, or the image converted to schema 2.
   *
   * @default "error"
   */
  schema1?: "error" | "convert";
}

/**
 * Opens the image or the index of a source. Reads only the manifest of one in a registry.
 *
 * @throws {LayoutError | TarballError} if a file contains several and no option chooses one.
 * @throws {NotFoundError} if there is none, or none for the platform.
 */
export async function open(source: ImageSource, options: OpenOptions = {}): Promise<Image | ImageIndex> {
  if (isReference(source)) {
    const { puller = new Puller(options) } = options;
    const found = await puller.get(parseReference(source, options), options);
    const converts = options.schema1 === "convert" && isSchema1(found.descriptor.mediaType);
    return await ofPlatforms(converts ? found.schema1Image() : found.view(), options);
  }
  if (!("kind" in source)) return await load(source, options);
  if (source.kind !== "path") return await ofPlatforms(source, options);
  return await load(source.path, { ...options, tag: source.tag });
}

/** Opens an image as {@linkcode open} does; of an index the one for the platform, linux/amd64 by default. */
export async function openImage(source: ImageSource, options: OpenOptions = {}): Promise<Image> {
  return await oneImage(await open(source, options), options);
}

/** Returns whether a source is a reference. @throws {TypeError} if it is not a source. */
function isReference(source: ImageSource): source is Reference | string {
  if (typeof source === "string") return true;
  const { kind, open } = Object(source);
  if (kind === "tag" || kind === "digest") return true;
  if (["path", "image", "index"].includes(kind) || typeof open === "function") return false;
  throw wrongArgument('a reference, { kind: "path", path }, a tarball, an image or an index', source);
}

/** Returns the reference of a source, or `undefined` if it is not in a registry. */
export function referenceIn(source: ImageSource): Reference | string | undefined {
  return isReference(source) ? source : undefined;
}

/** Returns the name of a source for an error. */
export function sourceName(source: ImageSource): string {
  if (isReference(source)) return `${source}`;
  if ("path" in source) return source.tag === undefined ? source.path : `${source.path}:${source.tag}`;
  return "name" in source ? source.name : `the ${source.kind}`;
}
