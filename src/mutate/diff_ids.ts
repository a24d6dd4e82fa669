import type { Layer } from "../image/mod.ts";
import { mapConcurrent } from "../io/mod.ts";
import type { Hash } from "../spec/mod.ts";

/** How many layers are read at the same time. */
const CONCURRENCY = 4;

/** The diff ids of layers; those that don't know theirs are read for it, some at the same time. */
export async function diffIdsOf(layers: readonly Layer[]): Promise<Hash[]> {
  return await mapConcurrent(layers, { concurrency: CONCURRENCY }, (layer, signal) => layer.diffId({ signal }));
}
