import type { Layer } from "../image/mod.ts";
import { type AbortOptions, readAhead } from "../io/mod.ts";
import { type Mark, markOf } from "../mutate/mod.ts";
import { cleanEntryPath, readTar, type TarEntry } from "../tar/mod.ts";

/** How much of a layer is decompressed before it is its turn, in bytes. */
const READ_AHEAD = 4 * 1024 * 1024;

/** What is told of the entries of layers. */
export interface LayerVisitor {
  /** An entry of the current layer; its path is clean, and its content can be read until the visit ends. */
  visit(entry: TarEntry, path: string, mark: Mark): void | Promise<void>;
  /** The current layer was read to its end; the next one is below it. */
  endLayer(): void;
}

/**
 * Reads layers, given from the bottom up, from the top down: each once, while the next is read ahead, none held in
 * memory. Digests are verified.
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
      next.catch(() => {}); // thrown when its turn comes
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

/** Returns the path that a hard link names; `undefined` where that is outside of the root. */
export function linkTarget({ linkname }: TarEntry): string | undefined {
  return linkname.split("/").includes("..") ? undefined : cleanEntryPath(linkname);
}
