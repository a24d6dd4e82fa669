import { NotFoundError } from "../errors.ts";
import { type AbortOptions, mapConcurrent, Semaphore } from "../io/mod.ts";
import { type Compression, type Descriptor, type Hash, hashAlgorithm, isDistributable, isLayer } from "../spec/mod.ts";
import { type LayerContent, readLayerContent } from "./layer_content.ts";
import { attempt, mismatch, type Problem, problem } from "./problem.ts";
import type { Layer } from "./view.ts";

/** A blob to be read, and what is expected of it. */
export interface BlobCheck {
  /** Its name in a problem. */
  readonly where: string;
  /** The blob. */
  readonly layer: Layer;
  /** Its descriptor in a manifest. */
  readonly descriptor: Descriptor;
  /** The digest of its content, where a config has it. */
  readonly diffId: Hash | undefined;
  /** Whether its content is the tar of a layer. */
  readonly tar: boolean;
}

/**
 * Reads the blobs of manifests, each once, however often it occurs, and a bounded number at the same time. It keeps of
 * each blob a name alone, as there can be very many.
 */
export class BlobExaminer {
  readonly #seen = new Set<string>();
  readonly #concurrency: number;
  readonly #turns: Semaphore;

  /** Creates an examiner that reads so many blobs at the same time. */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
    this.#turns = new Semaphore(concurrency);
  }

  /** Returns what is wrong with the contents of blobs that were not read before. */
  async examine(checks: readonly BlobCheck[], signal?: AbortSignal): Promise<Problem[]> {
    const fresh = checks.filter(({ descriptor: { digest, size }, diffId, tar }) => {
      const key = `${digest} ${size} ${diffId} ${tar}`;
      const isFresh = !this.#seen.has(key);
      this.#seen.add(key);
      return isFresh;
    });
    const pool = { concurrency: this.#concurrency, signal };
    const found = await mapConcurrent(
      fresh,
      pool,
      (check, signal) => this.#turns.run(() => examineBlob(check, signal), { signal }),
    );
    return found.flat();
  }
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

/** Compares a blob with its descriptor and its diff id. */
export function contentProblems(
  where: string,
  found: LayerContent,
  promised: { descriptor: Descriptor; diffId: Hash | undefined },
): Problem[] {
  const { stored, content, compression, errors } = found;
  const { descriptor, diffId } = promised;
  // A blob other than a layer may be compressed and have its stored digest as diff id, as BuildKit writes it.
  const goesByStored = !isLayer(descriptor.mediaType) && stored.digest === diffId;
  return [
    ...mismatch(where, "the digest", { found: stored.digest, promised: descriptor.digest }),
    ...mismatch(where, "the size", { found: stored.size, promised: descriptor.size }),
    // Every reader takes a plain tar, also where its type promises a compression.
    ...(content && compression !== "none" && isLayer(descriptor.mediaType)
      ? mismatch(where, "the compression", { found: compression, promised: compressionIn(descriptor.mediaType) })
      : []),
    ...(content && diffId && !goesByStored
      ? mismatch(where, "the diff id", { found: content.digest, promised: diffId })
      : []),
    ...errors.map((error) => problem(where, error.message, error)),
  ];
}

/** The compression in the media type of a layer. */
function compressionIn(mediaType: string): Compression {
  const [, compression = "none"] = /[+.](gzip|zstd)$/.exec(mediaType) ?? [];
  return compression as Compression;
}

/** Compares a blob's view with a descriptor of it. */
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
