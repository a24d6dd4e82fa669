import { CompressionError, LimitError, TarError } from "../errors.ts";
import {
  type AbortOptions,
  decompressLimited,
  drain,
  type Measured,
  measureStream,
  type SniffedCompression,
  sniffStream,
} from "../io/mod.ts";
import { type ByteStream, pullStream } from "../runtime/mod.ts";
import type { Algorithm } from "../spec/mod.ts";
import type { Layer } from "./view.ts";

/** Options of {@linkcode readLayerContent}. */
export interface LayerContentOptions extends AbortOptions {
  /** What to call the layer in an error. */
  what: string;
  /** Whether the content should be a tar, to be walked to its end. */
  tar: boolean;
  /**
   * How to hash the stored bytes.
   * @default "sha256"
   */
  storedAlgorithm?: Algorithm;
  /**
   * How to hash the content.
   * @default "sha256"
   */
  contentAlgorithm?: Algorithm;
}

/** What one pass over a layer finds. */
export interface LayerContent {
  /** The bytes as they are stored. */
  readonly stored: Measured;
  /** The bytes inside the compression; `undefined` when they can't be decompressed. */
  readonly content: Measured | undefined;
  /** How the stored bytes are compressed, by their beginning. */
  readonly compression: SniffedCompression;
  /** What is wrong with the compression or the tar. */
  readonly errors: readonly Error[];
}

/** How many names are remembered to find those that occur twice; memory stays bounded. */
const MAX_NAMES = 1_000_000;

/**
 * Reads a layer once: hashes it as it is stored and as it is inside, and walks the tar in it. What is wrong with the
 * content is among the result's errors; a failure to read it is thrown.
 */
export async function readLayerContent(layer: Layer, options: LayerContentOptions): Promise<LayerContent> {
  const { what, signal, storedAlgorithm = "sha256", contentAlgorithm = "sha256" } = options;
  const { stream, measured } = measureStream(await layer.compressed({ signal }), storedAlgorithm);
  const { compression: found, stream: stored } = await sniffStream(stream);
  // A blob other than a layer may be a file with any compression.
  const compression = !options.tar && (found === "xz" || found === "bzip2") ? "none" : found;
  const examine = options.tar ? examineTar : examineBytes;
  if (compression === "none" && storedAlgorithm === contentAlgorithm) {
    const errors = await examine(stored, signal);
    const found = await measured;
    return { stored: found, content: found, compression, errors };
  }
  const size = layer.digestKnown() ? await layer.size({ signal }) : undefined;
  try {
    const plain = decompressLimited(stored, compression, { what, size });
    const content = measureStream(plain, contentAlgorithm);
    const errors = await examine(content.stream, signal);
    return { stored: await measured, content: await content.measured, compression, errors };
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    // The stored bytes were not read to their end: their digest shows whether they are the wrong ones.
    const stored = await measureStored(layer, storedAlgorithm, signal);
    return { stored, content: undefined, compression, errors: [error] };
  }
}

async function measureStored(layer: Layer, algorithm: Algorithm, signal?: AbortSignal): Promise<Measured> {
  const { stream, measured } = measureStream(await layer.compressed({ signal }), algorithm);
  await drain(stream, { signal });
  return await measured;
}

async function examineBytes(bytes: ByteStream, signal: AbortSignal | undefined): Promise<Error[]> {
  await drain(bytes, { signal });
  return [];
}

/** Reads a stream to its end, also where it is not a whole tar; returns what is wrong with the tar. */
async function examineTar(tar: ByteStream, signal: AbortSignal | undefined): Promise<Error[]> {
  const { readTar } = await import("../tar/mod.ts"); // most programs that load this room never read a layer
  const bytes = tar.getReader();
  const names = new Set<string>();
  const errors: Error[] = [];
  try {
    // Without a cancel, so that the rest of a corrupt tar can be read.
    const source = pullStream({ read: async () => (await bytes.read()).value });
    for await (const { path } of readTar(source, { signal })) {
      if (!names.has(path)) {
        if (names.size < MAX_NAMES) names.add(path);
      } else if (errors.length === 0) {
        // Programs that read the layer may take either entry.
        errors.push(new TarError(`the entry ${JSON.stringify(path)} occurs twice`));
      }
    }
  } catch (error) {
    if (!(error instanceof TarError || error instanceof LimitError)) throw error;
    errors.push(error);
    while (!(await bytes.read()).done) signal?.throwIfAborted();
  } finally {
    await bytes.cancel();
  }
  return errors;
}
