import { type AnyManifest, type Root, transfer } from "../graph/mod.ts";
import type { Image, ProgressListener } from "../image/mod.ts";
import { type AbortOptions, fileFailure } from "../io/mod.ts";
import { parseReference } from "../name/mod.ts";
import { type ByteStream, writeFileAtomic } from "../runtime/mod.ts";
import { type TarWriteEntry, writeTar } from "../tar/mod.ts";
import { type ArchiveFormat, ArchiveSink } from "./archive_sink.ts";
import { TarViews } from "./as_tars.ts";
import { dockerFormat } from "./docker_format.ts";
import { FileTarget, isSpecial } from "./file_target.ts";
import { legacyFormat } from "./legacy_format.ts";
import { ociFormat } from "./oci_format.ts";
import { StreamTarget } from "./stream_target.ts";

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
   * How it is laid out: "docker" is small and what everything reads; "legacy" is what Docker before 1.10 reads too, with
   * a folder for each layer that holds it uncompressed.
   * @default "docker"
   */
  format?: TarballFormat;
}

/** Options of {@linkcode writeTarballFile}. */
export type WriteTarballFileOptions = WriteTarballOptions;

/** What goes into an archive, and how it is laid out. */
interface Content {
  readonly roots: readonly Root[];
  readonly format: ArchiveFormat;
}

/**
 * A tarball of images, as `docker load`, `podman load` and `skopeo` read it. The same images give the same bytes.
 *
 * Nothing is read before the stream is. It fails when a layer is not what its digest says.
 */
export function writeTarball(entries: Iterable<TarballEntry>, options: WriteTarballOptions = {}): ByteStream {
  return archiveStream(() => tarballContent(entries, options), options);
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
  await archiveFile(path, () => tarballContent(entries, options), options);
}

/** An OCI image layout as a tar archive, which podman, skopeo and Docker from 25 on read. */
export function writeOciArchive(entries: Iterable<OciArchiveEntry>, options: WriteArchiveOptions = {}): ByteStream {
  return archiveStream(() => ociContent(entries), options);
}

/** Writes an OCI image layout as a tar archive to a file, which appears whole or not at all. */
export async function writeOciArchiveFile(
  path: string,
  entries: Iterable<OciArchiveEntry>,
  options: WriteArchiveOptions = {},
): Promise<void> {
  await archiveFile(path, () => ociContent(entries), options);
}

function tarballContent(entries: Iterable<TarballEntry>, { format }: WriteTarballOptions): Content {
  const named = [...entries].map(({ image, reference }) => ({ view: image, names: repoTagsOf(reference) }));
  if (named.length === 0) throw new TypeError("a tarball needs at least one image");
  if (format !== "legacy") return { roots: named, format: dockerFormat };
  const views = new TarViews();
  const tars = new Map(named.map(({ view }) => [view, views.of(view)]));
  return {
    roots: named.map(({ view, names }) => ({ view: tars.get(view)!, names })),
    format: (nodes, options) => legacyFormat(nodes, { ...options, views }),
  };
}

function ociContent(entries: Iterable<OciArchiveEntry>): Content {
  const roots = [...entries].map(({ view, name }) => ({ view, names: name === undefined ? [] : [name] }));
  return { roots, format: ociFormat };
}

function archiveStream(content: () => Content, options: WriteArchiveOptions): ByteStream {
  const given = options.signal;
  const stop = new AbortController();
  const signal = given ? AbortSignal.any([given, stop.signal]) : stop.signal;
  // A failure that is not in what the reader is about to get ends the stream all the same.
  const entries = archiveEntries(content, { ...options, signal }, (error) => stop.abort(error));
  const stoppable: AsyncIterableIterator<TarWriteEntry> = {
    next: () => entries.next(),
    return() {
      // A generator can't return while it waits, for a layer to be compressed perhaps, so the wait must end first.
      stop.abort(new DOMException("the archive was cancelled", "AbortError"));
      return entries.return();
    },
    [Symbol.asyncIterator]: () => stoppable,
  };
  return writeTar(stoppable, { signal });
}

async function* archiveEntries(
  content: () => Content,
  options: WriteArchiveOptions,
  fail: (error: unknown) => void,
): AsyncGenerator<TarWriteEntry, void> {
  const { roots, format } = content();
  const target = new StreamTarget();
  const transferring = transfer(roots, new ArchiveSink(format, target), transferOptions(options));
  transferring.catch(fail);
  try {
    yield* target.entries(options);
    await transferring;
  } finally {
    // Until then its temporary files are there.
    await transferring.catch(() => {});
  }
}

async function archiveFile(path: string, content: () => Content, options: WriteArchiveOptions): Promise<void> {
  try {
    if (await isSpecial(path)) return void await writeFileAtomic(path, archiveStream(content, options), options);
    const { roots, format } = content();
    await using target = await FileTarget.create(path);
    await transfer(roots, new ArchiveSink(format, target), transferOptions(options));
    options.signal?.throwIfAborted();
    await target.commit();
  } catch (error) {
    throw fileFailure(`can't write the tarball ${path}`, error);
  }
}

function transferOptions({ concurrency: jobs, onProgress, signal }: WriteArchiveOptions) {
  return { jobs, onProgress, signal };
}

/** A tarball names what it holds by tags. Docker does not load a name without one, so `latest` is written out. */
function repoTagsOf(reference: string | undefined): string[] {
  if (reference === undefined) return [];
  const parsed = parseReference(reference);
  if (parsed.kind === "digest") return [];
  const typed = parsed.toString();
  return [typed.endsWith(`:${parsed.identifier}`) ? typed : `${typed}:${parsed.identifier}`];
}
