import type { AbortOptions } from "../io/mod.ts";
import { checkView } from "../image/internal.ts";
import type { Image, Layer } from "../image/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { readTar, type TarWriteEntry } from "../tar/mod.ts";
import { readLayers } from "./read_layers.ts";
import { tarOfEntries } from "./tar_of_entries.ts";
import { Union } from "./union.ts";

/**
 * Writes the file system of an image as one tar: its layers merged, whiteouts applied (image-spec, "Applying
 * Changesets"). Layers are read from the top down, each once, while the next is read ahead; none is held in memory, and
 * digests are verified. Only a hard link to a file that an upper layer hides may have its layer read again.
 *
 * Names lose a `./` in front. A name that leaves the root is an error; a relative link that does is left out.
 */
export function extract(image: Image, options: AbortOptions = {}): ByteStream {
  checkView(image, "image");
  return unionTar((signal) => image.layers({ signal }), options);
}

/** Writes the file system of a layer stack, given the bottom layer first, as a tar. */
export function extractLayers(layers: readonly Layer[], options: AbortOptions = {}): ByteStream {
  return unionTar(() => Promise.resolve(layers), options);
}

type OpenLayers = (signal: AbortSignal) => Promise<readonly Layer[]>;

function unionTar(open: OpenLayers, options: AbortOptions): ByteStream {
  return tarOfEntries((signal) => unionEntries(open, signal), options);
}

async function* unionEntries(open: OpenLayers, signal: AbortSignal): AsyncGenerator<TarWriteEntry, void, undefined> {
  const union = new Union();
  for await (const { layer, entries } of readLayers(await open(signal), { signal })) {
    for await (const entry of entries) {
      const shown = union.show(entry);
      if (shown) yield shown;
    }
    yield* union.endLayer();
    if (!union.missed) continue;
    for await (const entry of readTar(await layer.uncompressed({ signal }), { signal })) {
      yield* union.showMissed(entry);
    }
  }
  yield* union.dangling();
}
