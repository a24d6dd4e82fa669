import type { Layer } from "../image/mod.ts";
import { type AbortOptions, readAhead } from "../io/mod.ts";
import { type Mark, markOf } from "../mutate/mod.ts";
import { cleanEntryPath, readTar, type TarEntry } from "../tar/mod.ts";

/** The number of bytes of the next layer that are decompressed in advance. */
const READ_AHEAD = 4 * 1024 * 1024;

/** Callbacks for the entries of layers. */
export interface LayerVisitor {
  /**
   * Called for an entry of the current layer. Its path is clean, and its content can be read until the call resolves.
   */
  visit(entry: TarEntry, path: string, mark: Mark): void | Promise<void>;
  /** Called at the end of the current layer; the next one is below it. */
  endLayer(): void;
}

/**
 * Reads layers, given from the bottom up, from the top down: each once, with the next one read ahead, none held in
 * memory. Verifies digests.
 */
export async function visitLayers(
  layers: readonly Layer[],
  visitor: LayerVisitor,
  options: AbortOptions = {},
): Promise<void> {
  const { signal } = options;
  const fromTop = layers.toReversed();
  const open = async (layer: Layer | undefined) => layer && readAhead(await layer.uncompressed({ signal }), READ_AHEAD);
  let next = open(fromTop[0]);
  try {
    for (const index of fromTop.keys()) {
      const tar = (await next)!;
      next = open(fromTop[index + 1]);
      next.catch(() => {}); // the error is thrown when this layer is awaited
      for await (const entry of readTar(tar, { signal })) {
        const path = cleanEntryPath(entry.path);
        const visited = visitor.visit(entry, path, markOf(path));
        if (visited) await visited;
      }
      visitor.endLayer();
    }
  } finally {
    await next.then((stream) => stream?.cancel(), () => {});
  }
}

/** Returns the target path of a hard link, or `undefined` if it is outside of the root. */
export function linkTarget({ linkname }: TarEntry): string | undefined {
  return linkname.split("/").includes("..") ? undefined : cleanEntryPath(linkname);
}
