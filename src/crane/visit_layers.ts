import type { Layer } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { type Mark, markOf, readLayers } from "../mutate/internal.ts";
import { cleanEntryPath, type TarEntry } from "../tar/mod.ts";

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
  for await (const { entries } of readLayers(layers, options)) {
    for await (const entry of entries) {
      const path = cleanEntryPath(entry.path);
      const visited = visitor.visit(entry, path, markOf(path));
      if (visited) await visited;
    }
    visitor.endLayer();
  }
}

/** Returns the target path of a hard link, or `undefined` if it is outside of the root. */
export function linkTarget({ linkname }: TarEntry): string | undefined {
  return linkname.split("/").includes("..") ? undefined : cleanEntryPath(linkname);
}
