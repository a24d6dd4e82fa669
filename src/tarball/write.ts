import { type AnyManifest, type Root, transfer } from "../graph/mod.ts";
import type { Image, ProgressListener } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { parseReference } from "../name/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { archiveFile, archiveStream } from "./archive_output.ts";
import { ArchiveSink, type ArchiveTarget } from "./archive_sink.ts";
import { TarViews } from "./as_tars.ts";
import { dockerFormat } from "./docker_format.ts";
import { legacyFormat } from "./legacy_format.ts";
import { ociFormat } from "./oci_format.ts";

/** An image to write into a tarball. */
export interface TarballEntry {
  /** The image. */
  readonly image: Image;
  /**
   * What to call it: a reference by tag; without a tag, `latest`. A digest gives it no name, for a tarball has tags
   * only.
   * @default no name
   */
  readonly reference?: string;
}

/** A manifest to write into an OCI archive. */
export interface OciArchiveEntry {
  /** The image, the index or another manifest. */
  readonly view: AnyManifest;
  /**
   * Its name there, in the annotation `org.opencontainers.image.ref.name`.
   * @default no name
   */
  readonly name?: string;
}

/** A layout of a tarball. */
export type TarballFormat = "docker" | "legacy";

/** Options of what writes archives. */
export interface WriteArchiveOptions extends AbortOptions {
  /**
   * Is called with how far each blob is.
   * @default nothing is reported
   */
  onProgress?: ProgressListener;
  /**
   * How many layers are read at the same time.
   * @default 4
   */
  concurrency?: number;
}

/** Options of {@linkcode writeTarball} and {@linkcode writeTarballFile}. */
export interface WriteTarballOptions extends WriteArchiveOptions {
  /**
   * How it is laid out: "docker" is small and what everything reads; "legacy" is what Docker before 1.10 reads too,
   * with a folder for each layer that holds it uncompressed.
   * @default "docker"
   */
  format?: TarballFormat;
}

/** Options of {@linkcode writeTarballFile}. */
export type WriteTarballFileOptions = WriteTarballOptions;

/**
 * A tarball of images, as `docker load`, `podman load` and `skopeo` read it. The same images give the same bytes.
 *
 * Nothing is read before the stream is. It fails when a layer does not match its digest.
 */
export function writeTarball(entries: Iterable<TarballEntry>, options: WriteTarballOptions = {}): ByteStream {
  return archiveStream((target, signal) => writeImages(target, entries, { ...options, signal }), options);
}

/**
 * Writes a tarball of images to a file. The file appears whole or not at all; one that is there is replaced.
 *
 * The place of each layer in the file is known beforehand, so layers are written side by side.
 */
export async function writeTarballFile(
  path: string,
  entries: Iterable<TarballEntry>,
  options: WriteTarballFileOptions = {},
): Promise<void> {
  await archiveFile(path, (target, signal) => writeImages(target, entries, { ...options, signal }), options);
}

/** An OCI image layout as a tar archive, which podman, skopeo and Docker from 25 on read. */
export function writeOciArchive(entries: Iterable<OciArchiveEntry>, options: WriteArchiveOptions = {}): ByteStream {
  return archiveStream((target, signal) => writeOci(target, entries, { ...options, signal }), options);
}

/** Writes an OCI image layout as a tar archive to a file, which appears whole or not at all. */
export async function writeOciArchiveFile(
  path: string,
  entries: Iterable<OciArchiveEntry>,
  options: WriteArchiveOptions = {},
): Promise<void> {
  await archiveFile(path, (target, signal) => writeOci(target, entries, { ...options, signal }), options);
}

async function writeImages(
  target: ArchiveTarget,
  entries: Iterable<TarballEntry>,
  { format, ...options }: WriteTarballOptions,
): Promise<void> {
  const images = [...entries].map(({ image, reference }) => ({ view: image, names: repoTagsOf(reference) }));
  if (images.length === 0) throw new TypeError("a tarball needs at least one image");
  if (format !== "legacy") return await write(images, new ArchiveSink(dockerFormat, target), options);
  const views = new TarViews();
  const tars = images.map(({ view, names }) => ({ view: views.of(view), names }));
  await write(tars, new ArchiveSink(legacyFormat(views), target), options);
}

async function writeOci(
  target: ArchiveTarget,
  entries: Iterable<OciArchiveEntry>,
  options: WriteArchiveOptions,
): Promise<void> {
  const roots = [...entries].map(({ view, name }) => ({ view, names: name === undefined ? [] : [name] }));
  await write(roots, new ArchiveSink(ociFormat, target), options);
}

async function write(
  roots: readonly Root[],
  sink: ArchiveSink,
  { concurrency: jobs, onProgress, signal }: WriteArchiveOptions,
): Promise<void> {
  await transfer(roots, sink, { jobs, onProgress, signal });
}

/** A tarball names what it holds by tags. Docker does not load a name without one, so `latest` is written out. */
function repoTagsOf(reference: string | undefined): string[] {
  if (reference === undefined) return [];
  const parsed = parseReference(reference);
  if (parsed.kind === "digest") return [];
  const typed = parsed.toString();
  return [typed.endsWith(`:${parsed.identifier}`) ? typed : `${typed}:${parsed.identifier}`];
}
