import { NotFoundError } from "../errors.ts";
import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import { type Descriptor, type Hash, hashAlgorithm, isDistributable, isLayer } from "../spec/mod.ts";
import { type LayerContent, readLayerContent } from "./layer_content.ts";
import { attempt, mismatch, type Problem, problem } from "./problem.ts";
import type { Layer } from "./view.ts";

/** A blob that remains to be read, and what it should be. */
export interface BlobCheck {
  /** What to call it. */
  readonly where: string;
  /** The blob. */
  readonly layer: Layer;
  /** What a manifest says of it. */
  readonly descriptor: Descriptor;
  /** The digest of its content, where a config says it. */
  readonly diffId: Hash | undefined;
  /** Whether its content is the tar of a layer. */
  readonly tar: boolean;
}

/** Options of {@linkcode examineBlobs}. */
export interface ExamineBlobsOptions extends AbortOptions {
  /** How many are read at the same time. */
  concurrency: number;
}

/** What is wrong with the contents of blobs. Each is read once, however often it occurs. */
export async function examineBlobs(checks: readonly BlobCheck[], options: ExamineBlobsOptions): Promise<Problem[]> {
  const distinct = new Map<string, BlobCheck>();
  for (const check of checks) {
    const { digest, size } = check.descriptor;
    const key = `${digest} ${size} ${check.diffId} ${check.tar}`;
    if (!distinct.has(key)) distinct.set(key, check);
  }
  return (await mapConcurrent(distinct.values(), options, examineBlob)).flat();
}

async function examineBlob(check: BlobCheck, signal: AbortSignal): Promise<Problem[]> {
  const { where, layer, descriptor, diffId, tar } = check;
  return await attempt(where, signal, async () => {
    try {
      const content = await readLayerContent(layer, {
        what: descriptor.digest,
        tar,
        storedAlgorithm: hashAlgorithm(descriptor.digest),
        contentAlgorithm: diffId && hashAlgorithm(diffId),
        signal,
      });
      return contentProblems(where, content, check);
    } catch (error) {
      // A layer that may not be distributed is left out when an image is copied or stored.
      if (error instanceof NotFoundError && !isDistributable(descriptor.mediaType)) return [];
      throw error;
    }
  });
}

/** In what a blob is not what is said of it. */
export function contentProblems(
  where: string,
  found: LayerContent,
  promised: { descriptor: Descriptor; diffId: Hash | undefined },
): Problem[] {
  const { stored, content, errors } = found;
  const { descriptor, diffId } = promised;
  // What is no layer may be compressed and still go by the digest of its stored bytes, as it does with BuildKit.
  const goesByStored = !isLayer(descriptor.mediaType) && stored.digest === diffId;
  return [
    ...mismatch(where, "the digest", { found: stored.digest, promised: descriptor.digest }),
    ...mismatch(where, "the size", { found: stored.size, promised: descriptor.size }),
    ...(content && diffId && !goesByStored
      ? mismatch(where, "the diff id", { found: content.digest, promised: diffId })
      : []),
    ...errors.map((error) => problem(where, error.message, error)),
  ];
}

/** In what a blob's view disagrees with a descriptor of it. */
export async function descriptorProblems(
  where: string,
  layer: Layer,
  options: AbortOptions & { descriptor: Descriptor },
): Promise<Problem[]> {
  const { descriptor, signal } = options;
  return [
    ...mismatch(where, "the digest", { found: await layer.digest({ signal }), promised: descriptor.digest }),
    ...mismatch(where, "the size", { found: await layer.size({ signal }), promised: descriptor.size }),
    ...mismatch(where, "the media type", {
      found: await layer.mediaType({ signal }),
      promised: descriptor.mediaType,
    }),
  ];
}
