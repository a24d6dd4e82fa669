import type { Layer } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { type Mark, markOf, readLayers } from "../mutate/mod.ts";
import { cleanEntryPath, type TarEntry } from "../tar/mod.ts";

/** What is told of the entries of layers. */
export interface LayerVisitor {
  /** An entry of the current layer; its path is clean, and its content can be read until the visit ends. */
  visit(entry: TarEntry, path: string, mark: Mark): void | Promise<void>;
  /** The current layer was read to its end; the next one is below it. */
  endLayer(): void;
}

/** Visits the entries of layers, given from the bottom up, from the top down. */
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

/** The path that a hard link names; `undefined` where that is outside of the root. */
export function linkTarget({ linkname }: TarEntry): string | undefined {
  return linkname.split("/").includes("..") ? undefined : cleanEntryPath(linkname);
}
