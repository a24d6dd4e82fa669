import type { Image, ProgressListener } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { parseReference } from "../name/mod.ts";
import { dockerFiles } from "./docker_files.ts";
import { LayerSpool } from "./layer_spool.ts";
import { legacyFiles } from "./legacy_files.ts";
import type { NamedImage } from "./named_image.ts";
import { type PlannedFile, PlannedFiles } from "./planned_file.ts";

/** An image to write into a tarball. */
export interface TarballEntry {
  /** The image. */
  readonly image: Image;
  /**
   * What to call it: a reference by tag; without a tag, `latest`. A digest gives it no name, for a tarball has tags only.
   * @default no name
   */
  readonly reference?: string;
}

/** Options of what writes tarballs. */
export interface WriteTarballOptions extends AbortOptions {
  /**
   * Is told how far each file in the tarball has got.
   * @default nobody is told
   */
  onProgress?: ProgressListener;
  /**
   * How it is laid out: "docker" is small and what everything reads; "legacy" is what Docker before 1.10 reads too, with
   * a folder for each layer that holds it uncompressed.
   * @default "docker"
   */
  format?: TarballFormat;
}

/** A layout of a tarball. */
export type TarballFormat = "docker" | "legacy";

/** All of a tarball that is about to be written. */
export interface TarballPlan {
  /** Its files, in order. */
  readonly files: readonly PlannedFile[];
  /** Removes what was kept in temporary files. */
  dispose(): Promise<void>;
}

/**
 * Finds out which files a tarball of these images holds, each of them once. What is not known of layers before they are
 * read (a digest in the one format, the size of the tar in the other) is found out now; they are kept in temporary files
 * then.
 */
export async function planTarball(
  entries: Iterable<TarballEntry>,
  options: WriteTarballOptions = {},
): Promise<TarballPlan> {
  const images = namedImages(entries);
  if (images.length === 0) throw new TypeError("a tarball needs at least one image");
  const files = new PlannedFiles(options.onProgress);
  const spool = new LayerSpool();
  try {
    const add = options.format === "legacy" ? legacyFiles : dockerFiles;
    await add(images, { files, spool, signal: options.signal });
    return { files: files.files, dispose: () => spool.dispose() };
  } catch (error) {
    await spool.dispose();
    throw error;
  }
}

/** Each image with all its names. */
function namedImages(entries: Iterable<TarballEntry>): NamedImage[] {
  const images: (NamedImage & { readonly repoTags: string[] })[] = [];
  for (const { image, reference } of entries) {
    const repoTags = repoTagsOf(reference);
    const same = images.find((named) => named.image === image);
    if (same) same.repoTags.push(...repoTags.filter((tag) => !same.repoTags.includes(tag)));
    else images.push({ image, repoTags });
  }
  return images;
}

/** A tarball names what it holds by tags. Docker does not load a name without one, so `latest` is written out. */
function repoTagsOf(reference: string | undefined): string[] {
  if (reference === undefined) return [];
  const parsed = parseReference(reference);
  if (parsed.kind === "digest") return [];
  const typed = parsed.toString();
  return [typed.endsWith(`:${parsed.identifier}`) ? typed : `${typed}:${parsed.identifier}`];
}
