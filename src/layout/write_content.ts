import { DigestMismatchError } from "../errors.ts";
import {
  type Image,
  type ImageIndex,
  type Layer,
  type ProgressEvent,
  type ProgressListener,
  ProgressReporter,
} from "../image/mod.ts";
import { type AbortOptions, mapConcurrent, streamOf, verifyBytes } from "../io/mod.ts";
import { type Descriptor, type Hash, hashHexDigits, isConfig, isLayer } from "../spec/mod.ts";
import type { BlobFiles, ExpectedBlob } from "./blob_files.ts";

/** Options of what writes content into a layout. */
export interface WriteOptions extends AbortOptions {
  /**
   * How many blobs are written at the same time.
   * @default 4
   */
  concurrency?: number;
  /**
   * Is told how far each blob has got.
   * @default nobody is told
   */
  onProgress?: ProgressListener;
}

/** What there is to write, found before any of it is. */
interface Plan {
  /** Layers, configs and other blobs, each once: by digest, or by what opens them while they have none. */
  readonly blobs: Map<Hash | Layer["compressed"], Layer>;
  /** Images; their manifests are known when their layers are written. */
  readonly images: Set<Image>;
  /** Indexes, each after those inside it. */
  readonly indexes: Set<ImageIndex>;
}

const DEFAULT_CONCURRENCY = 4;

/**
 * Writes an image, or an index with everything in it: blobs first, then manifests, then indexes, so that whatever
 * is there has all that it points at. What is there already is not read.
 */
export async function writeContent(
  blobs: BlobFiles,
  view: Image | ImageIndex,
  options: WriteOptions = {},
): Promise<void> {
  const plan = emptyPlan();
  if (view.kind === "image") await planImage(plan, view, options);
  else await planIndex(plan, view, options);
  await writePlan(blobs, plan, options);
}

/** Writes what an index points at, as {@linkcode writeContent} does, and not the index itself. */
export async function writeMembers(blobs: BlobFiles, index: ImageIndex, options: WriteOptions = {}): Promise<void> {
  const plan = emptyPlan();
  await planMembers(plan, index, options);
  await writePlan(blobs, plan, options);
}

/** Writes a layer, or any other blob, and says what it is. A layer that is a stream is hashed on the way. */
export async function writeLayer(blobs: BlobFiles, layer: Layer, options: WriteOptions = {}): Promise<Descriptor> {
  const { signal } = options;
  const expected = layer.digestKnown() ? await layer.descriptor({ signal }) : undefined;
  const mediaType = expected?.mediaType ?? await layer.mediaType({ signal });
  const subject = expected
    ? blobSubject(kindOf(mediaType), expected)
    : { id: `stream-${crypto.randomUUID()}`, label: kindOf(mediaType), kind: "write" as const };
  await reported(subject, options, async (progress) => {
    if (expected && await blobs.has(expected)) return "skipped";
    progress.advance(0);
    await blobs.write(await layer.compressed({ signal }), {
      signal,
      onBytes: (bytes) => progress.advance(bytes),
      identify: async () => {
        // The layer has verified itself, or knows only now what it is.
        const actual = await layer.descriptor({ signal });
        if (!expected || actual.digest === expected.digest) return actual;
        throw new DigestMismatchError(`a layer has the digest ${actual.digest} where ${expected.digest} was promised`);
      },
    });
    return "done";
  });
  return await layer.descriptor({ signal });
}

function emptyPlan(): Plan {
  return { blobs: new Map(), images: new Set(), indexes: new Set() };
}

async function planMembers(plan: Plan, index: ImageIndex, options: WriteOptions): Promise<void> {
  const { concurrency = DEFAULT_CONCURRENCY, signal } = options;
  // Not its children: for what the index says of them, their layers would be compressed now and again when written.
  const members = await index.members({ signal });
  await mapConcurrent(members, { concurrency, signal }, async (view, signal) => {
    if (view.kind === "image") await planImage(plan, view, { signal });
    else if (view.kind === "index") await planIndex(plan, view, { concurrency, signal });
    else await planBlob(plan, view, { signal });
  });
}

async function planIndex(plan: Plan, index: ImageIndex, options: WriteOptions): Promise<void> {
  await planMembers(plan, index, options);
  plan.indexes.add(index);
}

async function planImage(plan: Plan, image: Image, options: AbortOptions): Promise<void> {
  const layers = await image.layers(options);
  for (const layer of layers) await planBlob(plan, layer, options);
  // A config that depends on layers not read yet is written after them.
  if (layers.every((layer) => layer.digestKnown())) await planBlob(plan, await image.configLayer(options), options);
  plan.images.add(image);
}

async function planBlob(plan: Plan, layer: Layer, options: AbortOptions): Promise<void> {
  const key = layer.digestKnown() ? await layer.digest(options) : layer.compressed;
  if (!plan.blobs.has(key)) plan.blobs.set(key, layer);
}

async function writePlan(blobs: BlobFiles, plan: Plan, options: WriteOptions): Promise<void> {
  const { concurrency = DEFAULT_CONCURRENCY, signal, onProgress } = options;
  const pool = { concurrency, signal };
  await announce(plan, options);
  await mapConcurrent(plan.blobs.values(), pool, (layer, signal) => writeLayer(blobs, layer, { signal, onProgress }));
  await mapConcurrent(plan.images, pool, async (image, signal) => {
    const config = await image.configLayer({ signal });
    if (!plan.blobs.has(await config.digest({ signal }))) await writeLayer(blobs, config, { signal, onProgress });
    await writeManifest(blobs, image, { signal, onProgress });
  });
  for (const index of plan.indexes) await writeManifest(blobs, index, { signal, onProgress });
}

/** Tells of all that is to come, so that a total is known from the start. */
async function announce(plan: Plan, { onProgress, signal }: WriteOptions): Promise<void> {
  if (!onProgress) return;
  for (const layer of plan.blobs.values()) {
    if (!layer.digestKnown()) continue;
    const descriptor = await layer.descriptor({ signal });
    new ProgressReporter(onProgress, blobSubject(kindOf(descriptor.mediaType), descriptor)).announce();
  }
}

async function writeManifest(blobs: BlobFiles, view: Image | ImageIndex, options: WriteOptions): Promise<void> {
  const { signal } = options;
  const digest = await view.digest({ signal });
  const bytes = await verifyBytes(await view.rawManifest({ signal }), { digest }, `manifest ${digest}`);
  const identity = { digest, size: bytes.length };
  await reported(blobSubject(view.kind === "index" ? "index" : "manifest", identity), options, async (progress) => {
    if (await isIntact(blobs, identity)) return "skipped";
    await blobs.write(streamOf(bytes), { signal, identify: () => Promise.resolve(identity) });
    progress.advance(bytes.length);
    return "done";
  });
}

/** Whether a blob is there and is what it should be: manifests are small enough to look. */
async function isIntact(blobs: BlobFiles, blob: ExpectedBlob): Promise<boolean> {
  return await blobs.has(blob) && await blobs.bytes(blob).then(() => true, () => false);
}

/** Does some work on an object and tells how it went. */
async function reported(
  subject: { id: string; label: string; kind: "write"; total?: number },
  options: WriteOptions,
  work: (progress: ProgressReporter) => Promise<"done" | "skipped">,
): Promise<void> {
  const progress = new ProgressReporter(options.onProgress, subject);
  let state: Exclude<ProgressEvent["state"], "waiting" | "active"> = "failed";
  try {
    state = await work(progress);
  } finally {
    progress.end(state);
  }
}

function blobSubject(kind: string, { digest, size }: { digest: Hash; size: number }) {
  return { id: digest, label: `${kind} ${hashHexDigits(digest).slice(0, 12)}`, kind: "write" as const, total: size };
}

function kindOf(mediaType: string): string {
  return isLayer(mediaType) ? "layer" : isConfig(mediaType) ? "config" : "blob";
}
