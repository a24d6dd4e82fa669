import { CompressionError, TarError } from "../errors.ts";
import {
  type AbortOptions,
  chunks,
  decompress,
  drain,
  limitRatio,
  type Measured,
  measureStream,
  sniffStream,
} from "../io/mod.ts";
import { type Bytes, streamingHash } from "../runtime/mod.ts";
import type { Algorithm } from "../spec/mod.ts";
import type { TarWalker } from "../tar/mod.ts";
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
  const source = await layer.compressed({ signal });
  const { stream, measured } = measureStream(source, storedAlgorithm);
  const { compression, stream: stored } = await sniffStream(stream);
  const walk = options.tar ? await tarWalk() : undefined;
  if (compression === "none" && storedAlgorithm === contentAlgorithm) {
    for await (const chunk of chunks(stored, { signal })) walk?.feed(chunk);
    const found = await measured;
    return { stored: found, content: found, errors: walk?.end() ?? [] };
  }
  const size = layer.digestKnown() ? await layer.size({ signal }) : undefined;
  const plain = decompress(stored, compression, what);
  const limited = size === undefined ? plain : limitRatio(plain, size, what);
  const hash = await streamingHash(contentAlgorithm);
  let count = 0;
  try {
    for await (const chunk of chunks(limited, { signal })) {
      hash.update(chunk);
      count += chunk.length;
      walk?.feed(chunk);
    }
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    // The stored bytes were not read to their end: their digest tells whether they are the wrong ones.
    return { stored: await measureStored(layer, storedAlgorithm, signal), content: undefined, errors: [error] };
  }
  return {
    stored: await measured,
    content: { digest: `${contentAlgorithm}:${await hash.hex()}`, size: count },
    errors: walk?.end() ?? [],
  };
}

async function measureStored(layer: Layer, algorithm: Algorithm, signal?: AbortSignal): Promise<Measured> {
  const { stream, measured } = measureStream(await layer.compressed({ signal }), algorithm);
  await drain(stream, { signal });
  return await measured;
}

/** The codec is loaded by who reads a layer: most who load this room never do. */
async function tarWalk(): Promise<TarWalk> {
  const { TarWalker } = await import("../tar/mod.ts");
  return new TarWalk(new TarWalker());
}

/** Walks a tar by its headers; content is passed over without being touched. */
class TarWalk {
  readonly #walker: TarWalker;
  readonly #names = new Set<string>();
  readonly #errors: Error[] = [];
  #over = false;

  constructor(walker: TarWalker) {
    this.#walker = walker;
  }

  feed(chunk: Bytes): void {
    if (this.#over) return;
    this.#walker.feed(chunk);
    this.#advance();
  }

  end(): Error[] {
    this.#walker.end();
    if (!this.#over) this.#advance();
    return this.#errors;
  }

  #advance(): void {
    try {
      for (let step = this.#walker.step(); step !== "more" && step !== "end"; step = this.#walker.step()) {
        if (step !== "entry") continue;
        this.#note(this.#walker.entry.path);
        this.#walker.skip();
      }
    } catch (error) {
      this.#over = true;
      this.#errors.push(error as Error);
    }
  }

  /** An entry that occurs twice: what reads the layer may take either. */
  #note(name: string): void {
    if (this.#names.has(name)) {
      if (this.#errors.length === 0) this.#errors.push(new TarError(`the entry ${JSON.stringify(name)} occurs twice`));
    } else if (this.#names.size < MAX_NAMES) {
      this.#names.add(name);
    }
  }
}
