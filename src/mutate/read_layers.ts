import { ManifestError, TarError } from "../errors.ts";
import type { Layer } from "../image/mod.ts";
import { type AbortOptions, readAhead } from "../io/mod.ts";
import { isLayer } from "../spec/mod.ts";
import { readTar, type TarEntry } from "../tar/mod.ts";

/** How much of the next layer is decompressed before its turn, in bytes. */
const READ_AHEAD = 4 * 1024 * 1024;

/** A layer that is being read. */
export interface LayerReading {
  /** The layer. */
  readonly layer: Layer;
  /** Its entries, to be read to the end before the next layer is requested. */
  readonly entries: AsyncIterable<TarEntry>;
}

/**
 * Reads layers, given from the bottom up, from the top down: each once, while the next is read ahead; none is held in
 * memory, and digests are verified.
 *
 * Reading the entries of a blob that is not a tar fails with a {@linkcode ManifestError} where its media type is not
 * that of a layer, else with a {@linkcode TarError}.
 */
export async function* readLayers(
  layers: readonly Layer[],
  { signal }: AbortOptions = {},
): AsyncGenerator<LayerReading, void, undefined> {
  const fromTop = layers.toReversed();
  const open = async (layer: Layer | undefined) => layer && readAhead(await layer.uncompressed({ signal }), READ_AHEAD);
  let next = open(fromTop[0]);
  try {
    for (const [index, layer] of fromTop.entries()) {
      const tar = readTar((await next)!, { signal });
      next = open(fromTop[index + 1]);
      next.catch(() => {}); // thrown at its turn
      const entries = {
        next: () => tar.next().catch(async (error) => Promise.reject(await failureOf(layer, error))),
        return: () => tar.return(),
      };
      yield { layer, entries: { [Symbol.asyncIterator]: () => entries } };
    }
  } finally {
    await next.then((stream) => stream?.cancel(), () => {});
  }
}

async function failureOf(layer: Layer, error: unknown): Promise<unknown> {
  const mediaType = await layer.mediaType();
  if (!(error instanceof TarError) || isLayer(mediaType)) return error;
  return new ManifestError(`${await layer.digest()} is of type ${mediaType}, not a layer of files`, {
    cause: error,
    hint: "this is an artifact, not an image: read its blobs instead",
  });
}
