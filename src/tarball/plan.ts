import { DigestMismatchError, SizeMismatchError } from "../errors.ts";
import { type Image, type Layer, type ProgressListener, ProgressReporter, spoolLayer } from "../image/mod.ts";
import { type AbortOptions, mapConcurrent, observe, streamOf } from "../io/mod.ts";
import { parseReference } from "../name/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { type Descriptor, type Hash, hashHexDigits, isDistributable, MediaType } from "../spec/mod.ts";
import { manifestFileBytes, type TarballManifest } from "./manifest_file.ts";

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
}

/** A file of a tarball that is about to be written. */
export interface PlannedFile {
  /** Its name in the tarball. */
  readonly path: string;
  /** The number of its bytes. */
  readonly size: number;
  /** Opens its content. The stream fails before it closes when there are more or fewer bytes, or others. */
  open(options?: AbortOptions): Promise<ByteStream>;
}

/** All of a tarball that is about to be written. */
export interface TarballPlan {
  /** Its files, in order. */
  readonly files: readonly PlannedFile[];
  /** Removes what was kept in temporary files. */
  dispose(): Promise<void>;
}

/** An image with layers that can be read, and have a digest. */
interface ReadyImage {
  readonly image: Image;
  readonly layers: readonly { readonly layer: Layer; readonly descriptor: Descriptor }[];
  readonly repoTags: string[];
}

/** How many layers are compressed at the same time when their digests are not known. */
const SPOOL_CONCURRENCY = 2;

/**
 * Finds out what a tarball of these images holds: for each image its config and its layers, each file once, and
 * `manifest.json` at the end. Layers without a digest are read, compressed and kept in temporary files for that.
 */
export async function planTarball(
  entries: Iterable<TarballEntry>,
  options: WriteTarballOptions = {},
): Promise<TarballPlan> {
  const named = [...entries].map(({ image, reference }) => ({ image, repoTags: repoTagsOf(reference) }));
  if (named.length === 0) throw new TypeError("a tarball needs at least one image");
  const spool = new LayerSpool();
  try {
    const images: ReadyImage[] = [];
    for (const { image, repoTags } of named) {
      const same = images.find((ready) => ready.image === image);
      if (same) same.repoTags.push(...repoTags.filter((tag) => !same.repoTags.includes(tag)));
      else images.push({ image, repoTags, layers: await spool.layersOf(image, options) });
    }
    return { files: await planFiles(images, options), dispose: () => spool.dispose() };
  } catch (error) {
    await spool.dispose();
    throw error;
  }
}

async function planFiles(images: readonly ReadyImage[], options: WriteTarballOptions): Promise<PlannedFile[]> {
  const files = new Map<string, PlannedFile>();
  const add = (file: PlannedFile) => void (files.has(file.path) || files.set(file.path, file));
  const manifests: TarballManifest[] = [];
  for (const { image, layers, repoTags } of images) {
    const config = await image.rawConfigFile(options);
    const configName = await image.configName(options);
    add(bytesFile(configName, config, `config ${hashHexDigits(configName).slice(0, 12)}`, options));
    const layerSources = new Map<Hash, Descriptor>();
    for (const { layer, descriptor } of layers) {
      add(layerFile(layer, descriptor, options));
      if (!isDistributable(descriptor.mediaType)) layerSources.set(await layer.diffId(options), descriptor);
    }
    const paths = layers.map(({ descriptor }) => layerPath(descriptor));
    manifests.push({ config: configName, repoTags, layers: paths, layerSources });
  }
  add(bytesFile("manifest.json", manifestFileBytes(manifests), "manifest.json", options));
  return [...files.values()];
}

/** A tarball names what it holds by tags. Docker does not load a name without one, so `latest` is written out. */
function repoTagsOf(reference: string | undefined): string[] {
  if (reference === undefined) return [];
  const parsed = parseReference(reference);
  if (parsed.kind === "digest") return [];
  const typed = parsed.toString();
  return [typed.endsWith(`:${parsed.identifier}`) ? typed : `${typed}:${parsed.identifier}`];
}

/** Named by the digest without its algorithm: GNU tar takes a colon for the name of a host. */
function layerPath({ digest, mediaType }: Descriptor): string {
  return hashHexDigits(digest) + extensionOf(mediaType);
}

/** What `gunzip` and the like expect. */
function extensionOf(mediaType: string): string {
  switch (mediaType) {
    case MediaType.OciLayerZstd:
    case MediaType.OciRestrictedLayerZstd:
    case MediaType.DockerLayerZstd:
      return ".tar.zst";
    case MediaType.OciLayer:
    case MediaType.OciRestrictedLayer:
    case MediaType.DockerUncompressedLayer:
      return ".tar";
    default:
      return ".tar.gz";
  }
}

function bytesFile(path: string, bytes: Bytes, label: string, options: WriteTarballOptions): PlannedFile {
  const subject = { id: path, label, total: bytes.length };
  return {
    path,
    size: bytes.length,
    open: () => Promise.resolve(reported(streamOf(bytes), subject, options)),
  };
}

function layerFile(layer: Layer, descriptor: Descriptor, options: WriteTarballOptions): PlannedFile {
  const { digest, size } = descriptor;
  const subject = { id: digest, label: `layer ${hashHexDigits(digest).slice(0, 12)}`, total: size };
  new ProgressReporter(options.onProgress, { ...subject, kind: "write" }).announce();
  const confirm = async () => {
    // A layer verifies itself; one that is made again on each reading might have become another.
    const actual = await layer.digest();
    if (actual !== digest) {
      throw new DigestMismatchError(`a layer has the digest ${actual} where ${digest} was promised`);
    }
  };
  return {
    path: layerPath(descriptor),
    size,
    open: async (abort) => reported(await layer.compressed(abort), subject, options, confirm),
  };
}

/** The same stream, counted and reported. */
function reported(
  stream: ByteStream,
  subject: { id: string; label: string; total: number },
  options: WriteTarballOptions,
  confirm?: () => Promise<void>,
): ByteStream {
  const progress = new ProgressReporter(options.onProgress, { ...subject, kind: "write" });
  let left = subject.total;
  progress.advance(0);
  const wrong = (how: string) =>
    new SizeMismatchError(`${subject.label} has ${how} than the ${subject.total} bytes that were promised`);
  return observe(stream, {
    chunk({ length }) {
      left -= length;
      if (left < 0) throw wrong("more");
      progress.advance(length);
    },
    async end() {
      if (left > 0) throw wrong("fewer");
      await confirm?.();
    },
    settled: (error) => progress.end(error === undefined ? "done" : "failed"),
  });
}

/** Layers whose digests were not known, kept in temporary files. */
class LayerSpool {
  readonly #disposals: (() => Promise<void>)[] = [];
  readonly #spooled = new Map<Layer, Promise<Layer>>();

  async layersOf(image: Image, { signal }: AbortOptions): Promise<ReadyImage["layers"]> {
    const pool = { concurrency: SPOOL_CONCURRENCY, signal };
    return await mapConcurrent(await image.layers({ signal }), pool, async (layer, signal) => {
      const ready = await this.#spool(layer, signal);
      return { layer: ready, descriptor: await ready.descriptor({ signal }) };
    });
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#disposals.splice(0).map((dispose) => dispose()));
  }

  #spool(layer: Layer, signal: AbortSignal): Promise<Layer> {
    const known = this.#spooled.get(layer);
    if (known) return known;
    const spooled = spoolLayer(layer, { signal }).then(({ layer, dispose }) => {
      this.#disposals.push(dispose);
      return layer;
    });
    this.#spooled.set(layer, spooled);
    return spooled;
  }
}
