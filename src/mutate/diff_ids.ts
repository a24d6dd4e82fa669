import { ValidationError } from "../errors.ts";
import type { Layer } from "../image/mod.ts";
import { mapConcurrent } from "../io/mod.ts";
import { type ConfigFile, type Hash, isLayer } from "../spec/mod.ts";

/** How many layers are read at the same time. */
const CONCURRENCY = 4;

/** The diff ids of layers; those that don't know theirs are read for it, some at the same time. */
export async function diffIdsOf(layers: readonly Layer[]): Promise<Hash[]> {
  return await mapConcurrent(layers, { concurrency: CONCURRENCY }, (layer, signal) => layer.diffId({ signal }));
}

/**
 * Checks that a config has as many diff ids as its image has layers. An artifact that borrows the config's media type
 * may have none, as long as none of its blobs is a layer.
 *
 * @param what what to call the config in the error
 * @throws {ValidationError} when it has not.
 */
export async function checkLayerCount(config: ConfigFile, layers: readonly Layer[], what: string): Promise<void> {
  const count = config.rootfs.diff_ids.length;
  if (count === layers.length) return;
  const mediaTypes = await Promise.all(layers.map((layer) => layer.mediaType()));
  if (count === 0 && !mediaTypes.some(isLayer)) return;
  throw new ValidationError(`${what} has ${count} diff ids where its image has ${layers.length} layers`);
}
